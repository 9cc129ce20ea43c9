import type { ConnectionOptions } from "node:tls";
import { formatFrame, formatHandshake } from "@eet/protocol";
import { type ClientOptions, WebSocket } from "ws";
import { BadLink } from "./bad-link.ts";
import { FramePayloads, frameMs } from "./frame-payloads.ts";
import { makeRandom } from "./random.ts";
import { makeSound, type SimulatedKind } from "./sounds.ts";

const retryMs = 1_000;
/** What is further behind is left out: a machine that slept does not send its nap. */
const maxLateMs = 2_000;

/** Where a server takes its own devices. */
export interface OwnEntrance {
  /** As `ws://127.0.0.1:5096/ws`. */
  readonly url: string;
  /** In PEM form: what the server shows there, and the only one that is taken; `undefined`: there is no TLS. */
  readonly certificate?: string | undefined;
}

export interface SimulatedDeviceOptions {
  /** Asked for each connection: certificates are replaced while a server runs. */
  readonly entrance: () => OwnEntrance;
  readonly token?: string | undefined;
  readonly hwid: string;
  readonly kind: SimulatedKind;
  /** Default `adpcm`. */
  readonly codec?: "adpcm" | "pcm16";
  /** Equal seeds sound alike. */
  readonly seed: number;
  /** Of a voice; `undefined` where there is none. */
  readonly recording: Int16Array | undefined;
}

/** A plain device (version 1 of the protocol) that plays a simulated sound at its true speed; it connects again when it has to. */
export class SimulatedDevice {
  readonly hwid: string;
  readonly kind: SimulatedKind;
  readonly #entrance: () => OwnEntrance;
  readonly #token: string | undefined;
  readonly #payloads: FramePayloads;
  readonly #link: BadLink | undefined;
  #socket: WebSocket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #startedAtMs = 0;
  #seq = 0;
  #isClosing = false;

  constructor({ entrance, token, hwid, kind, codec = "adpcm", seed, recording }: SimulatedDeviceOptions) {
    this.hwid = hwid;
    this.kind = kind;
    this.#entrance = entrance;
    this.#token = token;
    this.#payloads = new FramePayloads(makeSound(kind, seed, recording), codec);
    this.#link = kind === "gaps" ? new BadLink(makeRandom(seed + 1), frameMs / 1000) : undefined;
    this.#connect();
  }

  /** Disconnects; resolves when the server has answered, or is gone. Idempotent; never rejects. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#timer);
    const socket = this.#socket;
    if (socket === undefined || socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.close(1000);
    await closed;
  }

  #connect(): void {
    const headers = this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` };
    const { url, certificate } = this.#entrance();
    const trust = certificate === undefined ? {} : trustOnly(certificate);
    const socket = new WebSocket(`${url}/${this.hwid}`, { perMessageDeflate: false, headers, ...trust });
    this.#socket = socket;
    socket.on("open", () => this.#begin(socket));
    // `close` follows.
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(this.#timer);
      if (!this.#isClosing) this.#timer = setTimeout(() => this.#connect(), retryMs);
    });
  }

  #begin(socket: WebSocket): void {
    const timestampMs = BigInt(Date.now());
    socket.send(formatHandshake({ streamId: 1, format: this.#payloads.format, timestampMs }));
    this.#seq = 0;
    this.#startedAtMs = performance.now();
    this.#play(socket);
  }

  #play(socket: WebSocket): void {
    if (socket.readyState !== WebSocket.OPEN) return;
    const due = Math.floor((performance.now() - this.#startedAtMs) / frameMs);
    if ((due - this.#seq) * frameMs > maxLateMs) {
      // A new session says by itself when it begins.
      socket.close(1000);
      return;
    }
    for (; this.#seq < due; this.#seq += 1) {
      const payload = this.#payloads.next();
      if (this.#link?.losesNext() === true) continue;
      socket.send(formatFrame(this.#payloads.format.codec, this.#seq, payload));
    }
    this.#timer = setTimeout(() => this.#play(socket), frameMs);
  }
}

/** The server's own certificate needs neither an authority nor the name that the server is reached by from itself. */
function trustOnly(certificate: string): ClientOptions {
  const trust: ConnectionOptions = {
    ca: certificate,
    allowPartialTrustChain: true,
    checkServerIdentity: () => undefined,
  };
  // The types of ws have another idea of checkServerIdentity.
  return trust as unknown as ClientOptions;
}
