import {
  type AdpcmLayout,
  type Hwid,
  limits,
  ProtocolError,
  parseHandshake,
  type StreamFormat,
  subprotocols,
} from "@eet/protocol";
import type { MonotonicMs } from "../kernel/clock.ts";
import type { ConnectionListener } from "../kernel/connection-events.ts";
import { LimitError, type ServerError, toError } from "../kernel/errors.ts";
import type { LimitTally } from "../kernel/limit-tally.ts";
import type { Log } from "../kernel/log.ts";
import { AckChannel, type AckChannelContext } from "./ack-channel.ts";
import { type CloseFrame, type Ending, endingOf } from "./ending.ts";
import { FrameActivity } from "./frame-activity.ts";
import type { FrameChannel } from "./frame-channel.ts";
import { FrameTally } from "./frame-tally.ts";
import { LivenessWatch } from "./liveness-watch.ts";
import { PlainChannel } from "./plain-channel.ts";
import type { SessionRequest } from "./session-sink.ts";

/** Longest time that the end of a connection waits for its frames to come to rest. */
const maxSettleMs = 3_000;

/** What a connection can ask of its socket. */
export interface ConnectionPort {
  /** Sends a binary message. @returns false when the client does not read what it is sent */
  send(message: Uint8Array): boolean;
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
export interface ConnectionContext extends AckChannelContext {
  readonly log: Log;
  /** Where ends by a limit are counted. */
  readonly tally?: Pick<LimitTally, "note"> | undefined;
  /** Called once the handshake of this connection has come. */
  readonly onHandshake?: (format: StreamFormat) => void;
  /** Told of connections whose handshake has come. */
  readonly onConnection?: ConnectionListener | undefined;
}

interface Streaming {
  readonly name: "streaming";
  readonly channel: FrameChannel;
}

type ConnectionState =
  | { readonly name: "awaiting-handshake" }
  | Streaming
  /** The server stops: what still comes is not taken, and will be sent again. */
  | { readonly name: "stopped" }
  | { readonly name: "closed" };

const bye: CloseFrame = { code: 1000, reason: "bye" };
const clientLost: Ending = { code: "CLIENT_LOST", detail: "the connection was lost without a CLOSE frame" };
const closed: ConnectionState = { name: "closed" };
const stopped: ConnectionState = { name: "stopped" };

/**
 * One device's connection, without the socket: what comes in is told by the `on...` methods, what shall happen to the
 * socket goes to a {@link ConnectionPort}. The messages behind the handshake go to the channel of the negotiated
 * subprotocol. [P-1] [P-2]
 *
 * A violation closes with the code and reason of its row in the table of wire errors and nothing after it is taken. What
 * may be repaired by a new try (shutdown, storage, a missing handshake, silence) drops TCP instead, because there are
 * clients that never come back after a CLOSE; what was read by then is still taken. [P-1.9] A device that connects and
 * then stalls counts among these: its handshake may well come in time at the next try. Where `eet.v1+ack` is negotiated
 * everything ends with a CLOSE, whose code tells what to do. [P-2.8] Whatever the ending, the channel is ended exactly
 * once.
 */
export class DeviceConnection {
  readonly #port: ConnectionPort;
  readonly #peer: ConnectionPeer;
  readonly #context: ConnectionContext;
  readonly #openedMs: MonotonicMs;
  readonly #liveness: LivenessWatch;
  #state: ConnectionState = { name: "awaiting-handshake" };
  #ending: Ending | undefined;
  /** How the connection ends since the client's CLOSE came, unless what it sent fails to become durable. */
  #clientEnding: Ending | undefined;
  #pausedSinceMs: MonotonicMs | undefined;
  #flushed: Promise<void> = Promise.resolve();
  #channel: FrameChannel | undefined;
  #activity: FrameActivity | undefined;

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
    if (state.name === "closed" || state.name === "stopped") return;
    try {
      if (!isBinary) {
        throw new ProtocolError("BINARY_REQUIRED", `a text message of ${message.byteLength} bytes came`);
      }
      if (state.name === "awaiting-handshake") this.#openSession(message);
      else this.#take(state.channel, message);
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
   * @param isTooFast - whether more comes than may for long
   */
  onSweep(bytesRead: number, isTooFast = false): void {
    if (this.#ending !== undefined) return;
    const nowMs = this.#context.clock.monotonicMs();
    if (this.#pausedSinceMs !== undefined) {
      const waitMs = nowMs - this.#pausedSinceMs;
      if (this.#channel !== undefined && waitMs >= this.#channel.maxPauseMs)
        this.#end(this.#channel.stallError(waitMs));
      return;
    }
    if (this.#state.name === "awaiting-handshake" && nowMs - this.#openedMs >= limits.handshakeTimeoutMs) {
      this.#end(new ProtocolError("HANDSHAKE_TIMEOUT", `no handshake came within ${limits.handshakeTimeoutMs} ms`));
      return;
    }
    this.#tellActivity();
    const fault = this.#channel?.sweep(isTooFast);
    if (fault !== undefined) {
      this.#end(fault);
      return;
    }
    const verdict = this.#liveness.check(nowMs, bytesRead);
    if (verdict === "ping") this.#port.ping();
    if (verdict === "lost") {
      this.#end(new ProtocolError("LIVENESS_TIMEOUT", `no byte came for ${limits.livenessTimeoutMs} ms`));
    }
  }

  /**
   * The server stops: ends the connection after what was read from it. [P-1.9] One with acknowledgements is told first
   * what is durable by then, and sends the rest again to whoever answers next.
   */
  stop(): void {
    if (this.#clientEnding !== undefined) {
      // All it sent is here: hung up now, it would take that for lost.
      setTimeout(() => this.#port.drop(), maxSettleMs).unref();
      return;
    }
    // One whose answer to the server's own CLOSE is still to come is not waited for.
    if (this.#ending !== undefined) {
      this.#port.drop();
      return;
    }
    const stopping = new LimitError("SHUTTING_DOWN", "the server stops");
    if (!this.#isAcked) {
      this.#end(stopping);
      return;
    }
    if (this.#state.name === "streaming") this.#state = stopped;
    const timer = setTimeout(() => this.#end(stopping), maxSettleMs);
    void Promise.resolve(this.#channel?.settle()).then(() => {
      clearTimeout(timer);
      this.#end(stopping);
    });
  }

  /** The device may not be here any more. What was read of it is kept. */
  expel(error: ServerError): void {
    this.#end(error);
  }

  get #isAcked(): boolean {
    return this.#peer.subprotocol === subprotocols.v1Ack;
  }

  /**
   * The client's CLOSE has come, and nothing comes behind it. A version 1 device is told nothing else, so that the answer
   * to its CLOSE says that all it sent is durable, unless that takes long.
   *
   * @param code - of the CLOSE frame; 1005 when it has none
   * @returns resolves when the CLOSE shall be answered
   */
  async onClientClose(code: number, reason: string): Promise<void> {
    if (this.#ending !== undefined) return;
    this.#clientEnding = clientClosed(code, reason);
    if (this.#isAcked) return;
    this.#leaveSession();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, maxSettleMs);
    await Promise.race([this.#flushed, promise]);
    clearTimeout(timer);
  }

  /**
   * The socket is gone; nothing comes any more.
   *
   * @param code - of the client's CLOSE frame; 1006 without one
   * @returns resolves when all that was taken is durable
   */
  onClosed(code: number, reason: string): Promise<void> {
    this.#ending ??= this.#clientEnding ?? (code === 1006 ? clientLost : clientClosed(code, reason));
    this.#leaveSession();
    this.#logEnd(this.#ending);
    this.#tellEnd(this.#ending);
    return this.#flushed;
  }

  #openSession(message: Uint8Array): void {
    const { streamId, format, timestampMs } = parseHandshake(message);
    const { connectionId, hwid } = this.#peer;
    const channel = this.#openChannel({ hwid, streamId, format, deviceMs: Number(timestampMs), connectionId });
    this.#channel = channel;
    this.#state = { name: "streaming", channel };
    channel.failed.then((error) => this.#end(error));
    channel.finished.then(() => this.#finish());
    this.#context.onHandshake?.(format);
    this.#logStart(streamId, format);
    this.#activity = new FrameActivity(this.#context.clock.monotonicMs());
    const atMs = this.#context.clock.wallMs();
    this.#context.onConnection?.({ type: "device.connected", connectionId, hwid, streamId, atMs });
  }

  #openChannel(request: SessionRequest): FrameChannel {
    const tally = new FrameTally(request.format, this.#peer.adpcmLayout);
    if (!this.#isAcked) return new PlainChannel(this.#context.sink.openSession(request), tally);
    return new AckChannel((message) => this.#port.send(message), request, tally, this.#context);
  }

  #take(channel: FrameChannel, message: Uint8Array): void {
    const hasRoom = channel.take(message);
    if (!hasRoom && this.#pausedSinceMs === undefined && this.#ending === undefined) this.#pause(channel);
  }

  #pause(channel: FrameChannel): void {
    this.#pausedSinceMs = this.#context.clock.monotonicMs();
    this.#port.pause();
    channel.drained().then(() => this.#resume());
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
    this.#close(endingOf(error, this.#isAcked));
  }

  /** The device has said that it is done, and all it sent is durable. [P-2.8] */
  #finish(): void {
    if (this.#ending === undefined) this.#close({ code: "FINISHED", detail: "FINI", closeFrame: bye });
  }

  #close(ending: Ending): void {
    this.#ending = ending;
    if (this.#state.name === "awaiting-handshake") this.#state = closed;
    // A device that keeps what is not acknowledged sends it again: nothing more is taken, however long it goes on sending.
    else if (this.#isAcked && this.#state.name === "streaming") this.#state = stopped;
    this.#channel?.conclude();
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
    if (state.name !== "closed" && this.#channel !== undefined) this.#flushed = this.#channel.end();
  }

  #tellActivity(): void {
    const { connectionId, hwid } = this.#peer;
    const { clock, onConnection } = this.#context;
    const nowMs = clock.monotonicMs();
    const change = this.#activity?.check(nowMs, this.#channel?.frameCount ?? 0);
    const atMs = clock.wallMs();
    if (change === "sends") onConnection?.({ type: "device.sends", connectionId, hwid, atMs });
    if (change === "silent") {
      const sinceMs = atMs - (this.#activity?.silenceMs(nowMs) ?? 0);
      onConnection?.({ type: "device.silent", connectionId, hwid, sinceMs });
    }
  }

  #tellEnd({ code: reason }: Ending): void {
    if (this.#activity === undefined) return;
    this.#activity = undefined;
    const { connectionId, hwid } = this.#peer;
    const atMs = this.#context.clock.wallMs();
    this.#context.onConnection?.({ type: "device.disconnected", connectionId, hwid, atMs, reason });
  }

  #logStart(streamId: number, format: StreamFormat): void {
    const { connectionId, hwid, remote, subprotocol } = this.#peer;
    this.#context.log.info({ connectionId, hwid, streamId, ...format, remote, subprotocol }, "device streams");
  }

  #logEnd(ending: Ending): void {
    this.#context.tally?.note(ending.code);
    const { connectionId, hwid, remote } = this.#peer;
    const fields = {
      connectionId,
      hwid,
      remote,
      frameCount: this.#channel?.frameCount ?? 0,
      audioS: Math.round((this.#channel?.audioS ?? 0) * 1000) / 1000,
      byteCount: this.#channel?.byteCount ?? 0,
      durationMs: Math.round(this.#context.clock.monotonicMs() - this.#openedMs),
      ...ending,
    };
    if (ending.code === "INTERNAL") this.#context.log.error(fields, "connection ended by a defect");
    else if (ending.code === "CLIENT_CLOSED" || ending.code === "FINISHED")
      this.#context.log.info(fields, "connection ended");
    else this.#context.log.warn(fields, "connection ended");
  }
}

function clientClosed(code: number, reason: string): Ending {
  return { code: "CLIENT_CLOSED", detail: `the client closed with ${code} ${JSON.stringify(reason)}` };
}
