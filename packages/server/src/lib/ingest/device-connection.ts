import {
  type AdpcmLayout,
  countFrameSamples,
  type FrameRules,
  frameRules,
  type Hwid,
  limits,
  ProtocolError,
  parseFrame,
  parseHandshake,
  type StreamFormat,
  type WireErrorCode,
  type WireErrorRow,
} from "@eet/protocol";
import type { Clock, MonotonicMs } from "../kernel/clock.ts";
import type { ServerErrorCode } from "../kernel/error-table.ts";
import { LimitError, ServerError, StorageError, toError } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import { LivenessWatch } from "./liveness-watch.ts";
import type { SessionIntake, SessionSink } from "./session-sink.ts";

/**
 * Longest time for which a socket is not read. A paused socket answers no ping, and clients give up 20 s after theirs,
 * so it stays well below the 10 s of [P-3].
 */
export const maxPauseMs = 8_000;

/** What a connection can ask of its socket. */
export interface ConnectionPort {
  /** Sends a CLOSE frame and ends the connection with the closing handshake. */
  close(code: number, reason: string): void;
  /** Ends TCP without a CLOSE frame. */
  drop(): void;
  /** Stops reading. Messages of what is already read may still come. */
  pause(): void;
  resume(): void;
  ping(): void;
}

/** Who is at the other end. */
export interface ConnectionPeer {
  readonly connectionId: number;
  /** `null` when the device connected to `/ws`. */
  readonly hwid: Hwid | null;
  /** Configured layout of the device's multichannel ADPCM. [P-1.7] */
  readonly adpcmLayout: AdpcmLayout | undefined;
  /** Negotiated subprotocol; empty when none is. */
  readonly subprotocol: string;
  /** Address and port. */
  readonly remote: string;
}

/** What a connection needs besides its socket. */
export interface ConnectionContext {
  readonly sink: SessionSink;
  readonly clock: Clock;
  readonly log: Log;
}

/** How a connection ended: a row of an error table, or the client's own doing. */
type EndingCode = WireErrorCode | ServerErrorCode | "CLIENT_CLOSED" | "CLIENT_LOST";

interface Ending {
  readonly code: EndingCode;
  readonly detail: string;
  /** `undefined`: TCP was dropped, or the client ended the connection. */
  readonly closeFrame?: CloseFrame | undefined;
  /** The defect behind `INTERNAL`. */
  readonly err?: Error;
}

interface CloseFrame {
  readonly code: number;
  readonly reason: string;
}

interface Streaming {
  readonly name: "streaming";
  readonly format: StreamFormat;
  readonly rules: FrameRules;
  readonly intake: SessionIntake;
}

type ConnectionState = { readonly name: "awaiting-handshake" } | Streaming | { readonly name: "closed" };

const closed: ConnectionState = { name: "closed" };

/**
 * One device's side of the version 1 protocol, without the socket: what comes in is told by the `on...` methods, what
 * shall happen to the socket goes to a {@link ConnectionPort}. [P-1]
 *
 * A violation closes with the code and reason of its row in the table of wire errors and nothing after it is taken. What
 * may be repaired by a new try (shutdown, storage, a missing handshake, silence) drops TCP instead, because there are
 * clients that never come back after a CLOSE; what was read by then is still taken. [P-1.9] A device that connects and
 * then stalls counts among these: its handshake may well come in time at the next try. Whatever the ending, the
 * session's intake is ended exactly once.
 */
export class DeviceConnection {
  readonly #port: ConnectionPort;
  readonly #peer: ConnectionPeer;
  readonly #context: ConnectionContext;
  readonly #openedMs: MonotonicMs;
  readonly #liveness: LivenessWatch;
  #state: ConnectionState = { name: "awaiting-handshake" };
  #ending: Ending | undefined;
  #pausedSinceMs: MonotonicMs | undefined;
  #flushed: Promise<void> = Promise.resolve();
  #frameCount = 0;
  #byteCount = 0;
  #audioS = 0;

  constructor(port: ConnectionPort, peer: ConnectionPeer, context: ConnectionContext) {
    this.#port = port;
    this.#peer = peer;
    this.#context = context;
    this.#openedMs = context.clock.monotonicMs();
    this.#liveness = new LivenessWatch(this.#openedMs);
  }

  /** A whole WebSocket message came. The bytes are not used after it returns. */
  onMessage(message: Uint8Array, isBinary: boolean): void {
    const state = this.#state;
    if (state.name === "closed") return;
    try {
      if (!isBinary) {
        throw new ProtocolError("BINARY_REQUIRED", `a text message of ${message.byteLength} bytes came`);
      }
      if (state.name === "awaiting-handshake") this.#openSession(message);
      else this.#takeFrame(state, message);
    } catch (thrown) {
      this.#fail(toError(thrown));
    }
  }

  /** The WebSocket layer met bytes that it refuses, and has sent CLOSE. */
  onInvalidBytes(code: "MESSAGE_TOO_BIG" | "MESSAGE_INVALID", detail: string): void {
    if (this.#state.name !== "closed") this.#fail(new ProtocolError(code, detail));
  }

  /**
   * Looks at the clock; called about once a second.
   *
   * @param bytesRead - all that the socket has received so far
   */
  onSweep(bytesRead: number): void {
    if (this.#ending !== undefined) return;
    const nowMs = this.#context.clock.monotonicMs();
    if (this.#pausedSinceMs !== undefined) {
      if (nowMs - this.#pausedSinceMs >= maxPauseMs) {
        this.#end(new StorageError("STORAGE_STALLED", `there was no room for frames for ${maxPauseMs} ms`));
      }
      return;
    }
    if (this.#state.name === "awaiting-handshake" && nowMs - this.#openedMs >= limits.handshakeTimeoutMs) {
      this.#end(new ProtocolError("HANDSHAKE_TIMEOUT", `no handshake came within ${limits.handshakeTimeoutMs} ms`));
      return;
    }
    const verdict = this.#liveness.check(nowMs, bytesRead);
    if (verdict === "ping") this.#port.ping();
    if (verdict === "lost") {
      this.#end(new ProtocolError("LIVENESS_TIMEOUT", `no byte came for ${limits.livenessTimeoutMs} ms`));
    }
  }

  /** The server stops: drops the connection after what was read from it. [P-1.9] */
  stop(): void {
    // One that is in its closing handshake is not waited for.
    if (this.#ending !== undefined) this.#port.drop();
    else this.#end(new LimitError("SHUTTING_DOWN", "the server stops"));
  }

  /**
   * The socket is gone; nothing comes any more.
   *
   * @param code - of the client's CLOSE frame; 1006 without one
   * @returns resolves when all that was taken is durable
   */
  onClosed(code: number, reason: string): Promise<void> {
    this.#ending ??=
      code === 1006
        ? { code: "CLIENT_LOST", detail: "the connection was lost without a CLOSE frame" }
        : { code: "CLIENT_CLOSED", detail: `the client closed with ${code} ${JSON.stringify(reason)}` };
    this.#leaveSession();
    this.#logEnd(this.#ending);
    return this.#flushed;
  }

  #openSession(message: Uint8Array): void {
    const { streamId, format, timestampMs } = parseHandshake(message);
    const { connectionId, hwid, adpcmLayout } = this.#peer;
    const deviceMs = Number(timestampMs);
    const intake = this.#context.sink.openSession({ hwid, streamId, format, deviceMs, connectionId });
    this.#state = { name: "streaming", format, rules: frameRules(format, adpcmLayout), intake };
    intake.failed.then((error) => this.#end(error));
    this.#logStart(streamId, format);
  }

  #takeFrame({ format, rules, intake }: Streaming, message: Uint8Array): void {
    const { payloadBytes, seq } = parseFrame(message, rules);
    const sampleCount = countFrameSamples(format, payloadBytes, this.#peer.adpcmLayout);
    const hasRoom = intake.accept(message, seq, sampleCount);
    this.#frameCount += 1;
    this.#byteCount += message.byteLength;
    this.#audioS += sampleCount / format.sampleRateHz;
    if (!hasRoom && this.#pausedSinceMs === undefined && this.#ending === undefined) this.#pause(intake);
  }

  #pause(intake: SessionIntake): void {
    this.#pausedSinceMs = this.#context.clock.monotonicMs();
    this.#port.pause();
    intake.drained().then(() => this.#resume());
  }

  #resume(): void {
    if (this.#pausedSinceMs === undefined || this.#ending !== undefined) return;
    this.#pausedSinceMs = undefined;
    this.#liveness.excuse(this.#context.clock.monotonicMs());
    this.#port.resume();
  }

  /** Ends because of a message: nothing after it is taken. */
  #fail(error: Error): void {
    this.#leaveSession();
    this.#end(error);
  }

  /** Ends the connection unless it is ending already. A running session takes what is still in the socket's buffer. */
  #end(error: Error): void {
    if (this.#ending !== undefined) return;
    const ending = endingOf(error);
    this.#ending = ending;
    if (this.#state.name === "awaiting-handshake") this.#state = closed;
    if (ending.closeFrame === undefined) {
      this.#port.drop();
      return;
    }
    // A socket that is not read would never see the client's half of the closing handshake.
    if (this.#pausedSinceMs !== undefined) this.#port.resume();
    this.#port.close(ending.closeFrame.code, ending.closeFrame.reason);
  }

  #leaveSession(): void {
    const state = this.#state;
    this.#state = closed;
    if (state.name === "streaming") this.#flushed = state.intake.end();
  }

  #logStart(streamId: number, format: StreamFormat): void {
    const { connectionId, hwid, remote, subprotocol } = this.#peer;
    this.#context.log.info({ connectionId, hwid, streamId, ...format, remote, subprotocol }, "device streams");
  }

  #logEnd(ending: Ending): void {
    const { connectionId, hwid, remote } = this.#peer;
    const fields = {
      connectionId,
      hwid,
      remote,
      frameCount: this.#frameCount,
      audioS: Math.round(this.#audioS * 1000) / 1000,
      byteCount: this.#byteCount,
      durationMs: Math.round(this.#context.clock.monotonicMs() - this.#openedMs),
      ...ending,
    };
    if (ending.code === "INTERNAL") this.#context.log.error(fields, "connection ended by a defect");
    else if (ending.code === "CLIENT_CLOSED") this.#context.log.info(fields, "connection ended");
    else this.#context.log.warn(fields, "connection ended");
  }
}

function endingOf(error: Error): Ending {
  if (error instanceof ProtocolError) {
    return { code: error.code, detail: error.message, closeFrame: closeFrameOf(error.row) };
  }
  if (error instanceof ServerError) return { code: error.code, detail: error.message };
  return { code: "INTERNAL", detail: error.message, err: error };
}

/** None for what a new try may repair. [P-1.9] Where `eet.v1+ack` is negotiated, the row's `ackCloseCode` stands here. [P-2.8] */
function closeFrameOf({ closeCode, closeReason }: WireErrorRow): CloseFrame | undefined {
  return closeCode === undefined ? undefined : { code: closeCode, reason: closeReason ?? "" };
}
