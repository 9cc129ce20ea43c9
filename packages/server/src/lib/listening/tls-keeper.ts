import { createHash } from "node:crypto";
import type { TLSSocket, Server as TlsServer } from "node:tls";
import type { Clock } from "../kernel/clock.ts";
import type { DeviceCertificate } from "../kernel/device-certificate.ts";
import { ServerError, toError } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import { readClientCertificate } from "./client-certificate.ts";
import { readTlsFiles, stampTlsFiles, type TlsPaths } from "./tls-files-store.ts";
import { makeTlsMaterial, type TlsMaterial } from "./tls-material.ts";
import { findTlsNotices } from "./tls-notices.ts";

/** Time between two looks at the files. */
const lookIntervalMs = 1_000;
/** Time between two lines about the same. */
const noticeIntervalMs = 86_400_000;
/** Time between two looks at whose certificate has come to its end while connected. */
const reviewIntervalMs = 60_000;

/** What takes over a new certificate, for connections to come. */
export type ContextHolder = Pick<TlsServer, "setSecureContext">;

export interface TlsKeeperOptions {
  readonly paths: TlsPaths;
  readonly clock: Clock;
  readonly log: Log;
}

/** Times of the files in force, each in ms since 1970. */
export interface TlsTimes {
  /** The certificate begins. */
  readonly startMs: number;
  /** The certificate ends. */
  readonly endMs: number;
  /** The revocation list that ends first does; `undefined`: there is none, or it has no end. */
  readonly revocationEndMs: number | undefined;
}

/** The certificates that a server runs with: follows their files, and never lets go of good ones for bad ones. */
export class TlsKeeper {
  readonly #options: TlsKeeperOptions;
  readonly #holders: ContextHolder[] = [];
  #material: TlsMaterial;
  #authorities: string;
  /** Of the files that were read last, good or not. */
  #readStamp: string;
  /** Of the last look. */
  #seenStamp: string;
  #noticedMs = Number.NEGATIVE_INFINITY;
  #reviewedMs = Number.NEGATIVE_INFINITY;
  #onChange: () => void = () => {};
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> = Promise.resolve();

  private constructor(options: TlsKeeperOptions, material: TlsMaterial, stamp: string) {
    this.#options = options;
    this.#material = material;
    this.#authorities = hashAuthorities(material);
    this.#readStamp = stamp;
    this.#seenStamp = stamp;
  }

  /** @throws ConfigError `TLS_UNUSABLE` */
  static async open(options: TlsKeeperOptions): Promise<TlsKeeper> {
    const stamp = await stampTlsFiles(options.paths);
    const keeper = new TlsKeeper(options, makeTlsMaterial(await readTlsFiles(options.paths)), stamp);
    keeper.#tellNotices();
    return keeper;
  }

  /** What new connections are made with now. */
  get material(): TlsMaterial {
    return this.#material;
  }

  /** Until when what it runs with is good. */
  get times(): TlsTimes {
    const { certificate, revocations } = this.#material;
    const { validFromDate, validToDate } = certificate;
    return { startMs: validFromDate.getTime(), endMs: validToDate.getTime(), revocationEndMs: revocations.endMs };
  }

  /** Gives a server each new certificate. */
  supply(holder: ContextHolder): void {
    this.#holders.push(holder);
  }

  /** Follows the files. @param onChange - called when certificates of devices may not be good any more */
  watch(onChange: () => void): void {
    this.#onChange = onChange;
    this.#timer ??= setInterval(() => void this.#run(() => this.#look()), lookIntervalMs).unref();
  }

  /** Reads the files now, changed or not. Never rejects. */
  reload(): Promise<void> {
    return this.#run(async () => this.#read(await stampTlsFiles(this.#options.paths)));
  }

  /** Whether the certificate that new connections are shown is for a host's name. */
  isFor(name: string): boolean {
    return this.#material.certificate.checkHost(name, { subject: "never" }) !== undefined;
  }

  /** The certificate that a device opened its connection with. */
  certificateOf(socket: TLSSocket): DeviceCertificate | undefined {
    return readClientCertificate(socket, this.#authorities);
  }

  /** Tells why a certificate is not good now, as a clause. */
  judge({ fault, x509, authorities }: DeviceCertificate): string | undefined {
    if (fault !== undefined) return fault;
    if (this.#options.clock.wallMs() >= x509.validToDate.getTime()) return "it is past its time";
    if (authorities !== this.#authorities) return "the authorities that the server knows have changed; connect again";
    return this.#material.revocations.has(x509) ? "its authority has revoked it" : undefined;
  }

  /** Idempotent; never rejects. */
  close(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    return this.#work;
  }

  /** One after the other. */
  #run(work: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(work).catch((thrown: unknown) => {
      this.#options.log.error({ error: toError(thrown).message }, "files of TLS not looked at");
    });
    return this.#work;
  }

  async #look(): Promise<void> {
    const stamp = await stampTlsFiles(this.#options.paths);
    // Certificate and key are written one after the other: they are read once they have rested for a look.
    const hasRested = stamp === this.#seenStamp;
    this.#seenStamp = stamp;
    if (stamp !== this.#readStamp && hasRested) await this.#read(stamp);
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#noticedMs >= noticeIntervalMs) this.#tellNotices();
    if (nowMs - this.#reviewedMs < reviewIntervalMs) return;
    this.#reviewedMs = nowMs;
    if (this.#material.clientAuthorities.length > 0) this.#onChange();
  }

  async #read(stamp: string): Promise<void> {
    const { paths, log } = this.#options;
    this.#readStamp = stamp;
    try {
      const material = makeTlsMaterial(await readTlsFiles(paths));
      for (const holder of this.#holders) holder.setSecureContext(material.context);
      this.#material = material;
      this.#authorities = hashAuthorities(material);
    } catch (thrown) {
      const error = toError(thrown);
      const fix = error instanceof ServerError ? { fix: error.row.fix } : {};
      log.error({ error: error.message, ...fix }, "new certificate not taken over: the old one goes on serving");
      return;
    }
    const { certificate } = this.#material;
    const facts = { subject: certificate.subject.replaceAll("\n", ", "), serial: certificate.serialNumber };
    log.info({ ...facts, until: certificate.validToDate.toISOString() }, "certificates taken over");
    this.#tellNotices();
    this.#onChange();
  }

  #tellNotices(): void {
    const { clock, log } = this.#options;
    this.#noticedMs = clock.monotonicMs();
    for (const { message, fix } of findTlsNotices(this.#material, clock.wallMs())) log.warn({ fix }, `TLS: ${message}`);
  }
}

function hashAuthorities({ files: { clientCa } }: TlsMaterial): string {
  return createHash("sha256")
    .update(clientCa?.text ?? "")
    .digest("base64");
}
