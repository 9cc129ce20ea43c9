import type { Socket } from "node:net";
import type { Clock } from "../kernel/clock.ts";
import { ControlFrames } from "../kernel/control-frames.ts";
import type { LimitTally } from "../kernel/limit-tally.ts";
import { LivenessWatch } from "./liveness-watch.ts";
import { answerPing, type WsLink, type WsLinkParts } from "./ws-link.ts";
import { violationOf, type WsSocket } from "./ws-socket.ts";
import type { WsThrottle } from "./ws-throttle.ts";

/** Unsent bytes above which a client that does not read is not read either. */
const maxUnsentBytes = 1024 * 1024;

export interface EchoLinkContext {
  readonly clock: Clock;
  /** Where ends by a limit are counted. */
  readonly tally: Pick<LimitTally, "note"> | undefined;
}

/** Returns each message as it came, text or binary. [P-1.8] A client that reads nothing for 75 s is dropped. */
export class WsEchoLink implements WsLink {
  readonly ended: Promise<void>;
  readonly #ws: WsSocket;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #liveness: LivenessWatch;
  readonly #throttle: WsThrottle;
  readonly #controlFrames: ControlFrames;
  readonly #tally: Pick<LimitTally, "note"> | undefined;
  readonly #maxBytes: number;
  #isPaused = false;

  constructor({ ws, socket, throttle, limits }: WsLinkParts, { clock, tally }: EchoLinkContext) {
    this.#ws = ws;
    this.#socket = socket;
    this.#clock = clock;
    this.#tally = tally;
    this.#throttle = throttle;
    this.#controlFrames = new ControlFrames(limits.maxControlFramesPerS);
    this.#maxBytes = limits.maxEchoBytes;
    this.#liveness = new LivenessWatch(clock.monotonicMs());
    ws.on("message", (data, isBinary) => this.#echo(data as Buffer, isBinary));
    socket.on("data", (bytes: Buffer) => throttle.onRead(bytes.byteLength));
    ws.on("ping", (data) => {
      this.#onControlFrame();
      answerPing(ws, data);
    });
    ws.on("pong", () => this.#onControlFrame());
    // The violation is answered by ws, and `close` follows.
    ws.on("error", (error) => tally?.note(violationOf(error) ?? ""));
    this.ended = new Promise((resolve) => {
      ws.once("close", () => resolve());
    });
  }

  get partialBytes(): number {
    return this.#throttle.partialBytes;
  }

  sweep(): void {
    this.#controlFrames.sweep();
    this.#throttle.sweep();
    const verdict = this.#liveness.check(this.#clock.monotonicMs(), this.#socket.bytesRead);
    if (verdict === "ping") this.#ws.ping();
    if (verdict === "lost") this.stop();
  }

  stop(): void {
    this.#ws.terminate();
  }

  expel(): void {
    this.#ws.terminate();
  }

  #onControlFrame(): void {
    if (this.#controlFrames.take()) return;
    this.#tally?.note("CONTROL_LIMIT");
    this.#ws.terminate();
  }

  #echo(data: Buffer, isBinary: boolean): void {
    this.#throttle.messageBytes += data.byteLength;
    if (data.byteLength > this.#maxBytes) {
      this.#tally?.note("MESSAGE_TOO_BIG");
      this.#ws.close(1009);
      return;
    }
    this.#ws.send(data, { binary: isBinary }, () => {
      if (this.#isPaused && this.#ws.bufferedAmount <= maxUnsentBytes) this.#resume();
    });
    if (this.#ws.bufferedAmount <= maxUnsentBytes || this.#isPaused) return;
    this.#isPaused = true;
    this.#throttle.pause();
  }

  #resume(): void {
    this.#isPaused = false;
    this.#throttle.resume();
  }
}
