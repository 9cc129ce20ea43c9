import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import type { Hwid } from "@eet/protocol";
import { Access, type AccessMode, type Identity } from "./access/access.ts";
import { AccessStore } from "./access/access-store.ts";
import { AuditLog } from "./access/audit-store.ts";
import { HostPolicy, isLoopbackHost } from "./access/host-policy.ts";
import { Sessions } from "./access/sessions.ts";
import { TokenBook } from "./access/token-book.ts";
import { AccessGuard } from "./api/access-guard.ts";
import { isOfOwnPage } from "./api/page-origin.ts";
import type { ServerSettings } from "./config/settings.ts";
import type { DeviceGate, GatePass, GateVerdict } from "./ingest/device-gate.ts";
import { clientAddressOf } from "./kernel/client-address.ts";
import type { Clock } from "./kernel/clock.ts";
import type { DeviceCertificate } from "./kernel/device-certificate.ts";
import { ConfigError, RequestError, type ServerError, toError } from "./kernel/errors.ts";
import { cameByTls } from "./kernel/forwarded-client.ts";
import type { Log } from "./kernel/log.ts";
import { tlsOf } from "./listening/http-servers.ts";
import { describeReach } from "./listening/reach.ts";
import type { TlsKeeper } from "./listening/tls-keeper.ts";
import type { People } from "./people.ts";

export { parseHwidPattern } from "./access/hwid-pattern.ts";
export { type Role, roles } from "./access/token.ts";
export type { TokenBook } from "./access/token-book.ts";

/** Time between two looks at whose session has come to its end while something is answered. */
const reviewIntervalMs = 10_000;
/** Of an Origin, in answers and logs. */
const maxQuotedLength = 80;

export interface GuardingOptions {
  readonly settings: Pick<
    ServerSettings,
    "host" | "plainHost" | "plainPort" | "trustedProxies" | "allowedHosts" | "publicUrl" | "insecureOpen" | "tokenInUrl"
  >;
  /** Looked at with each attempt. */
  readonly limits: Pick<ServerSettings, "maxFailedLogins" | "maxApiRequestsPerS">;
  readonly dataPath: string;
  /** Left out: people log in by tokens alone. */
  readonly people?: People | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Judges certificates of devices; left out: there is no TLS. */
  readonly tls?: Pick<TlsKeeper, "certificateOf" | "isFor" | "judge"> | undefined;
}

/** Where the tokens of a data folder are. */
export function accessPathOf(dataPath: string): string {
  return join(dataPath, "access.db");
}

/** Opens the tokens of a data folder, beside a server that runs on it too. */
export function openTokenBook(dataPath: string, { clock, log }: Pick<GuardingOptions, "clock" | "log">): TokenBook {
  return new TokenBook({ path: accessPathOf(dataPath), clock, log, exists: AccessStore.exists });
}

/** Where acts of a data folder's administration are noted. */
export function createAuditLog(dataPath: string, { clock, log }: Pick<GuardingOptions, "clock" | "log">): AuditLog {
  return new AuditLog({ folder: join(dataPath, "audit"), wallMs: () => clock.wallMs(), log });
}

/** Who may reach a running server, and what they may there. */
export class Guarding implements DeviceGate {
  readonly guard: AccessGuard;
  readonly #access: Access;
  readonly #hosts: HostPolicy;
  readonly #audit: AuditLog;
  readonly #sessions: Sessions;
  readonly #options: GuardingOptions;
  #reviewTimer: NodeJS.Timeout | undefined;

  /**
   * @throws ConfigError `ACCESS_OPEN` where the network could reach a server that asks nobody; StorageError
   *   `ACCESS_UNREADABLE`
   */
  constructor(options: GuardingOptions) {
    const { settings, limits, dataPath, people, clock } = options;
    const tokens = openTokenBook(dataPath, options);
    const reach = describeReach(settings, isLoopbackHost);
    // Who insists means that others come, by a proxy on this machine where not by the network.
    const isLoopback = reach === undefined && !settings.insecureOpen;
    if (tokens.isEmpty && people === undefined && reach !== undefined && !settings.insecureOpen) {
      tokens.close();
      throw new ConfigError("ACCESS_OPEN", describeOpen(reach));
    }
    this.#options = options;
    this.#hosts = new HostPolicy({ ...settings, isCertified: (name) => options.tls?.isFor(name) === true });
    this.#sessions = new Sessions({ path: accessPathOf(dataPath), clock, log: options.log });
    const sessions = this.#sessions;
    const bounds = { isLoopback, isTokenInUrl: settings.tokenInUrl, maxFailedLogins: () => limits.maxFailedLogins };
    this.#access = new Access({ tokens, sessions, people: people?.roles, clock, ...bounds });
    this.#audit = createAuditLog(dataPath, options);
    this.guard = new AccessGuard({
      ...{ hosts: this.#hosts, access: this.#access, audit: this.#audit },
      ...{ oidc: people?.login, publicUrl: settings.publicUrl, clock, limits },
    });
  }

  get mode(): AccessMode {
    return this.#access.mode;
  }

  /** Lets the server's own devices in. */
  get ownSecret(): string {
    return this.#access.ownSecret;
  }

  /** Whether a request is of a device that the server itself plays. */
  isOwnDevice(request: IncomingMessage): boolean {
    return this.#access.isOwnDevice(request);
  }

  /** Follows changes of tokens. @param onChange - called when some may not be let in any more */
  watch(onChange: () => void): void {
    this.guard.reviewWith(onChange);
    this.#access.tokens.watch(() => this.#review());
    // Sessions end by time alone, too.
    this.#reviewTimer = setInterval(() => this.#review(), reviewIntervalMs).unref();
  }

  /** Nobody would catch what a timer throws: it would end the recording of all. */
  #review(): void {
    try {
      this.guard.review();
    } catch (thrown) {
      this.#options.log.error({ error: toError(thrown).message }, "not looked whom to let in still; tried again");
    }
  }

  /** Tells in the log how open the server is, and how to protect it. @param url - of the page */
  announce(url: string): void {
    const { log, settings, people } = this.#options;
    void people?.probe();
    const page = settings.publicUrl === undefined ? url : `${settings.publicUrl.replace(/\/$/, "")}/`;
    const setup = this.#access.isSetupOpen ? { setUp: `${page}login#setup=${this.#access.setupCode}` } : {};
    if (this.mode === "insecure-open") {
      log.warn(setup, "INSECURE: everybody who reaches this server may do everything (--insecure-open, no token)");
      return;
    }
    const message =
      this.mode === "local"
        ? "open to this machine alone; the link makes the first administrator and asks all for tokens"
        : "tokens are asked for";
    // The link is nowhere else.
    if (this.#access.isSetupOpen) log.warn(setup, message);
    else log.info({}, message);
  }

  /**
   * Judges a device. Devices are programs and name the server as they like (mDNS, a name of the local router), which is why
   * their Host is looked at only together with an Origin, which shows a browser. A page that brings a token needs no
   * Origin that is known: it got the token from somebody, while a cookie comes by itself and counts only from the server's
   * own page. [P-3.2]
   */
  judge(request: IncomingMessage, hwid: Hwid | null | undefined): GateVerdict {
    const { headers, url } = request;
    const { origin, host } = headers;
    const address = clientAddressOf(request);
    const page = { headers, isTls: cameByTls(request) };
    const isOwnPage = isOfOwnPage(page, this.#options.settings.publicUrl) && this.#hosts.allowsHost(host);
    const certificate = this.#certificateOf(request);
    const asking = { headers, url, isOwnPage, certificate };
    const { person, ...verdict } = this.#access.judgeDevice(asking, hwid, address);
    if (person !== undefined) {
      this.#noteStream(person, hwid, address);
      return { ...verdict, session: person.session };
    }
    const isKnown = verdict.tokenId !== null && this.#hosts.allowsHost(host);
    if (isKnown || this.#hosts.allowsDeviceOrigin(origin, host)) return verdict;
    const quoted = JSON.stringify(String(origin).slice(0, maxQuotedLength));
    const detail = `the WebSocket was opened by a page of ${quoted}, asking for ${host}`;
    return { tokenId: null, refusal: new RequestError("ORIGIN_REFUSED", detail) };
  }

  review({ tokenId, session, certificate }: GatePass): ServerError | undefined {
    if (certificate !== undefined) {
      const fault = this.#options.tls?.judge(certificate);
      return fault === undefined ? undefined : new RequestError("CERTIFICATE_INVALID", `${certificate.name}: ${fault}`);
    }
    return this.#access.reviewDevice({ tokenId, ...(session !== undefined && { session }) });
  }

  /** With what is wrong with it now. */
  #certificateOf(request: IncomingMessage): DeviceCertificate | undefined {
    const { tls } = this.#options;
    const socket = tlsOf(request);
    const certificate = socket && tls?.certificateOf(socket);
    return certificate && { ...certificate, fault: tls?.judge(certificate) };
  }

  /** Who records by a login acts as a person does. */
  #noteStream({ name: who, role, tokenId }: Identity, hwid: Hwid | null | undefined, address: string): void {
    void this.#audit.note({ act: "page.streams", who, role, tokenId, address, facts: { hwid: hwid ?? null } });
  }

  /** Idempotent; never rejects. */
  async close(): Promise<void> {
    clearInterval(this.#reviewTimer);
    this.#access.tokens.close();
    this.#sessions.close();
    this.guard.close();
    await this.#audit.close();
  }
}

function describeOpen(reach: string): string {
  return (
    `${reach} lets the network reach this server, and no token was made yet. Make one with ` +
    "`eet token create --role admin` (and `eet token create --hwid '*'` for devices), or insist with --insecure-open"
  );
}
