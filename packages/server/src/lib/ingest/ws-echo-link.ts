import type { Socket } from "node:net";
import type { RawData } from "ws";
import type { Clock } from "../kernel/clock.ts";
import { LivenessWatch } from "./liveness-watch.ts";
import type { WsLink } from "./ws-link.ts";
import type { WsSocket } from "./ws-socket.ts";

/** Unsent bytes above which a client that does not read is not read either. */
const maxUnsentBytes = 1024 * 1024;

/** Returns each message as it came, text or binary. [P-1.8] A client that reads nothing for 75 s is dropped. */
export class WsEchoLink implements WsLink {
  readonly ended: Promise<void>;
  readonly #ws: WsSocket;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #liveness: LivenessWatch;

  constructor(ws: WsSocket, socket: Socket, clock: Clock) {
    this.#ws = ws;
    this.#socket = socket;
    this.#clock = clock;
    this.#liveness = new LivenessWatch(clock.monotonicMs());
    ws.on("message", (data, isBinary) => this.#echo(data, isBinary));
    // The violation is answered by ws, and `close` follows.
    ws.on("error", () => {});
    this.ended = new Promise((resolve) => {
      ws.once("close", () => resolve());
    });
  }

  sweep(): void {
    const verdict = this.#liveness.check(this.#clock.monotonicMs(), this.#socket.bytesRead);
    if (verdict === "ping") this.#ws.ping();
    if (verdict === "lost") this.stop();
  }

  stop(): void {
    this.#ws.terminate();
  }

  #echo(data: RawData, isBinary: boolean): void {
    this.#ws.send(data, { binary: isBinary }, () => {
      if (this.#ws.isPaused && this.#ws.bufferedAmount <= maxUnsentBytes) this.#ws.resume();
    });
    if (this.#ws.bufferedAmount > maxUnsentBytes) this.#ws.pause();
  }
}
