import {
  type Ack,
  formatDeviceMessage,
  formatHandshake,
  limits,
  type Resume,
  type StreamFormat,
  type Welcome,
} from "@eet/protocol";
import { AnchorSchedule } from "./anchor-schedule.ts";
import type { CloseResult } from "./close-result.ts";
import { DeliveryChoice, type Fallback } from "./delivery-choice.ts";
import { Link } from "./link.ts";
import { type ReconnectTiming, reconnectRuleOf } from "./reconnect-timing.ts";
import { SendPace } from "./send-pace.ts";
import type { SendWindow } from "./send-window.ts";
import type { SessionClock } from "./session-clock.ts";
import type { DeliveryMode, LinkState, SessionEnding } from "./session-state.ts";
import type { ConnectTransport } from "./transport.ts";
import type { UploadTally } from "./upload-tally.ts";

/** Bytes in a socket's own buffer at most, so that a stall shows at once; also the bytes sent in one turn. */
const maxSocketBytes = 64 * 1024;
/** What WebSocket adds to a message at most (RFC 6455). */
const overheadBytes = 14;
/** A full socket is looked at again after this time. */
const socketPollMs = 10;
/** Where frames may not go yet, that is looked at again after this time. */
const heldBackPollMs = 20;
/** A plain connection that held so long was a success. */
const plainSuccessMs = 30_000;

/** What a courier carries, and how. */
export interface CourierPlan {
  /** The device's own address. */
  readonly url: string;
  readonly token: string | undefined;
  readonly streamId: number;
  readonly format: StreamFormat;
  readonly nibbleOrder: "low" | "high" | undefined;
  readonly fallback: Fallback;
  /** `undefined`: never. */
  readonly giveUpMs: number | undefined;
  readonly connect: ConnectTransport;
  readonly clock: SessionClock;
  readonly timing: ReconnectTiming;
  readonly window: SendWindow;
  readonly uploads: UploadTally;
  /** Frames that were dropped so far, in total. */
  readonly droppedFrameCount: () => number;
  /** Wall clock of the first sample that is held, whole ms since 1970; 0 when unknown. */
  readonly startMs: () => number;
  /** A session to go on with; default none. */
  readonly session?: bigint;
  /** Whether frames may go now; default always. Asked again and again, so frames go soon after it has changed. */
  readonly maySend?: () => boolean;
}

/** What a courier tells. */
export interface CourierEvents {
  /** {@link Courier.state} has changed. */
  onState(): void;
  /**
   * Frames of the connection will go to this session; told before the first one is sent.
   *
   * @param session - `undefined` on a plain connection
   * @param isFresh - nothing of what went before is in it
   */
  onJoin?(session: bigint | undefined, isFresh: boolean): void;
  /** The window has changed: frames were acknowledged, or went. */
  onProgress(): void;
  /** Told once. */
  onEnd(ending: SessionEnding, last: CloseResult | undefined): void;
}

/** Brings the frames of a {@link SendWindow} to the server, over as many connections as it takes. [P-2] */
export class Courier {
  readonly #plan: CourierPlan;
  readonly #events: CourierEvents;
  readonly #anchors: AnchorSchedule;
  readonly #pace: SendPace;
  readonly #choice: DeliveryChoice;
  #state: LinkState = { kind: "idle" };
  #link: Link | undefined;
  #session: bigint;
  #maxMessageBytes: number = limits.maxMessageBytes;
  #ackIntervalMs: number = limits.ackIntervalMs;
  #readyMs = 0;
  #connectionCount = 0;
  #isFinishing = false;
  /** FINI, or on a plain connection CLOSE, was sent on the present connection. */
  #isFarewellSent = false;
  #isOver = false;
  #stopPump: (() => void) | undefined;
  #stopRetry = () => {};
  /** The server has asked for no attempt before this time of the clock that never jumps. */
  #earliestMs = 0;
  #stopGiveUp: (() => void) | undefined;
  /** Why the last attempt failed, until one succeeds. */
  #lastFailure: CloseResult | undefined;

  constructor(plan: CourierPlan, events: CourierEvents) {
    this.#plan = plan;
    this.#events = events;
    this.#choice = new DeliveryChoice(plan.fallback);
    this.#session = plan.session ?? 0n;
    this.#anchors = new AnchorSchedule(plan.format.sampleRateHz);
    this.#pace = new SendPace(plan.clock, plan.format.sampleRateHz);
  }

  get state(): LinkState {
    return this.#state;
  }

  /** `undefined` as long as no connection got so far. */
  get delivery(): DeliveryMode | undefined {
    return this.#choice.mode;
  }

  /** Connections on which frames could travel. */
  get connectionCount(): number {
    return this.#connectionCount;
  }

  /** The server asks to send no faster than audio is made. */
  get isSlowedDown(): boolean {
    return this.#pace.isOn;
  }

  /** Largest message that the server takes, as far as that is known. */
  get maxMessageBytes(): number {
    return this.#maxMessageBytes;
  }

  /** Begins to connect, once. */
  start(): void {
    if (this.#state.kind === "idle" && !this.#isOver) this.#connect();
  }

  /** Sends what can be sent. To be called when frames were appended, or may go again. */
  pump(): void {
    this.#stopPump?.();
    this.#stopPump = undefined;
    const { window, maySend, clock } = this.#plan;
    const link = this.#link;
    if (!link?.isReady || this.#isFarewellSent) return;
    if (window.hasUnsent) {
      if (maySend?.() === false) this.#stopPump = clock.startTimer(heldBackPollMs, () => this.pump());
      else this.#sendFrames(link);
    }
    if (!window.hasUnsent && this.#isFinishing) this.#sendFarewell(link);
  }

  /**
   * No more frames are appended: sends the rest and ends the session on the server. What was never begun is complete
   * without a connection. [P-2.1]
   */
  finish(): void {
    this.#isFinishing = true;
    if (this.#state.kind === "idle") this.#end("complete", undefined);
    else this.pump();
  }

  /** Waits for the next attempt no longer than the server has asked for: there is a sign that it can be reached. */
  connectNow(): void {
    if (this.#isOver || this.#state.kind !== "waiting") return;
    const { clock } = this.#plan;
    const delayMs = Math.max(0, Math.ceil(this.#earliestMs - clock.monotonicMs()));
    if (clock.wallMs() + delayMs >= this.#state.untilMs) return;
    const { reason } = this.#state;
    this.#stopRetry();
    if (delayMs === 0) this.#connect();
    else this.#wait(delayMs, reason);
  }

  /** What comes next goes to a fresh session: the window was reset, and others deliver what was in it. */
  startAfresh(): void {
    this.#session = 0n;
    if (!this.#link?.isGreeted) return;
    this.#link.drop();
    this.#lose({ kind: "dropped", cause: new Error("what was held is delivered from the spool") });
  }

  /** Ends at once. */
  abort(): void {
    this.#end("aborted", undefined);
  }

  #connect(): void {
    const { clock, connect, url, token } = this.#plan;
    this.#startGiveUp();
    this.#isFarewellSent = false;
    this.#link = new Link(
      {
        request: { url, token, subprotocols: this.#choice.offered },
        connect,
        clock,
        handshake: () => this.#handshake(),
        resume: () => this.#resume(),
        isPlain: this.delivery === "plain",
      },
      {
        onReady: (welcome) => this.#ready(welcome),
        onAck: (ack) => this.#acknowledge(ack),
        onUnacknowledging: (isSelected) => this.#missAcks(isSelected),
        onClosed: (result) => this.#lose(result),
        isAnswerDue: () => this.delivery === "acked" && (!this.#plan.window.isSettled || this.#isFarewellSent),
      },
    );
    this.#become({ kind: "connecting", attempt: this.#plan.timing.attempt });
  }

  /** A session that is begun anew begins with what is held, so that is the time it is told. */
  #handshake(): Uint8Array {
    const { streamId, format, startMs } = this.#plan;
    return formatHandshake({ streamId, format, timestampMs: BigInt(startMs()) });
  }

  #resume(): Resume {
    const { window, nibbleOrder } = this.#plan;
    return { kind: "resume", session: this.#session, oldestSeq: window.oldestSeq, nibbleOrder };
  }

  #ready(welcome: Welcome | undefined): void {
    this.#stopGiveUp?.();
    this.#stopGiveUp = undefined;
    this.#lastFailure = undefined;
    const delivery = welcome === undefined ? "plain" : "acked";
    this.#choice.settle(delivery);
    this.#readyMs = this.#plan.clock.monotonicMs();
    this.#connectionCount += 1;
    this.#anchors.reset();
    if (welcome === undefined) this.#events.onJoin?.(undefined, true);
    else if (!this.#join(welcome)) return;
    this.#become({ kind: "open", delivery });
    if (this.#isOver) return;
    this.#events.onProgress();
    this.pump();
  }

  /** @returns false when the session is none of ours */
  #join(welcome: Welcome): boolean {
    const { window, uploads, droppedFrameCount } = this.#plan;
    const isSame = welcome.isResumed && welcome.session === this.#session && this.#session !== 0n;
    if (isSame && !window.resume(welcome.nextSeq)) {
      // It claims frames that were never sent: what we sent now it would take for known and lose.
      this.#session = 0n;
      this.#link?.drop();
      this.#lose({ kind: "dropped", cause: new Error("the server resumed a session that is not this one") });
      return false;
    }
    if (!isSame) {
      window.restart();
      uploads.restart();
      this.#anchors.restart(droppedFrameCount());
    }
    this.#session = welcome.session;
    this.#maxMessageBytes = welcome.maxMessageBytes;
    this.#ackIntervalMs = welcome.ackIntervalMs;
    uploads.isKnown ||= welcome.hasUploads;
    this.#events.onJoin?.(welcome.session, !isSame);
    return true;
  }

  #acknowledge(ack: Ack): void {
    const { window, timing, uploads } = this.#plan;
    // A server that cannot store asks to keep everything, whatever the numbers say.
    if (!ack.isNotPersisting && window.acknowledge(ack.durableNext)) timing.reset();
    uploads.acknowledge(window.durableSeq, ack);
    if (ack.isSlowDown) this.#pace.begin(this.#ackIntervalMs);
    else this.#pace.end();
    this.#events.onProgress();
    this.pump();
  }

  /** No welcome came, or the subprotocol was not selected. [P-2.1] */
  #missAcks(isSelected: boolean): void {
    const step = this.#choice.miss(isSelected);
    if (step === "go-on") {
      this.#link?.continuePlain();
    } else if (step === "end") {
      this.#end("unacknowledging", undefined);
    } else {
      this.#link?.drop();
      this.#lose({ kind: "dropped", cause: new Error("the server did not welcome the session in time") });
    }
  }

  #sendFrames(link: Link): void {
    const { window, clock, droppedFrameCount } = this.#plan;
    const isPlain = this.delivery === "plain";
    let turnBytes = 0;
    for (let frame = window.peek(); frame !== undefined; frame = window.peek()) {
      const { message, sampleCount } = frame;
      const { waitMs } = this.#pace;
      if (waitMs > 0) {
        this.#stopPump = clock.startTimer(waitMs, () => this.pump());
        break;
      }
      const bufferedBytes = link.bufferedBytes;
      const isSocketFull = bufferedBytes > 0 && bufferedBytes + message.byteLength + overheadBytes > maxSocketBytes;
      if (isSocketFull || turnBytes >= maxSocketBytes) {
        // A socket that takes everything would never let other work have a turn.
        this.#stopPump = clock.startTimer(isSocketFull ? socketPollMs : 0, () => this.pump());
        break;
      }
      const anchor = isPlain ? undefined : this.#anchors.next(window.nextSeq, frame, droppedFrameCount());
      if (anchor !== undefined) link.send(formatDeviceMessage(anchor));
      link.send(message);
      window.advance();
      this.#pace.note(sampleCount);
      turnBytes += message.byteLength;
    }
    if (isPlain && turnBytes > 0) {
      window.forgetSent();
      this.#events.onProgress();
    }
  }

  #sendFarewell(link: Link): void {
    const { window } = this.#plan;
    this.#isFarewellSent = true;
    if (this.delivery === "plain") link.close();
    else link.send(formatDeviceMessage({ kind: "finish", nextSeq: Math.max(window.endSeq, window.nextSeq) }));
  }

  /** The connection is gone. */
  #lose(result: CloseResult): void {
    this.#link = undefined;
    this.#pace.end();
    const ending = this.#endingOf(result);
    if (ending === undefined) this.#retry(result);
    else this.#end(ending, result);
  }

  /** @returns `undefined` when it is to be tried again */
  #endingOf(result: CloseResult): SessionEnding | undefined {
    const isClosedWith = (code: number) => result.kind === "closed-by-server" && result.code === code;
    if (this.#isFarewellSent && this.delivery === "plain") {
      if (result.kind === "clean") return "complete";
      if (result.kind === "dropped") return "unconfirmed";
    }
    if (this.#isFarewellSent && this.delivery === "acked" && isClosedWith(1000)) {
      // Without the acknowledgement the frames are still ours to deliver.
      return this.#plan.window.isSettled ? "complete" : undefined;
    }
    if (isClosedWith(4409)) return "superseded";
    const step = this.#choice.closed(result);
    if (step === "end") return "unacknowledging";
    return step === undefined && reconnectRuleOf(result).action === "stop" ? "refused" : undefined;
  }

  #retry(reason: CloseResult): void {
    this.#lastFailure = reason;
    const { clock, timing } = this.#plan;
    const heldMs = this.#state.kind === "open" ? clock.monotonicMs() - this.#readyMs : 0;
    if (this.delivery === "plain" && heldMs >= plainSuccessMs) timing.reset();
    const rule = reconnectRuleOf(reason);
    const minDelayMs = rule.action === "reconnect" ? rule.minDelayMs : 0;
    this.#earliestMs = clock.monotonicMs() + minDelayMs;
    this.#startGiveUp();
    this.#wait(timing.nextDelayMs(minDelayMs), reason);
  }

  #wait(delayMs: number, reason: CloseResult): void {
    const { clock } = this.#plan;
    this.#stopRetry = clock.startTimer(delayMs, () => this.#connect());
    this.#become({ kind: "waiting", untilMs: clock.wallMs() + delayMs, reason });
  }

  #startGiveUp(): void {
    const { giveUpMs, clock } = this.#plan;
    if (giveUpMs === undefined || this.#stopGiveUp !== undefined) return;
    this.#stopGiveUp = clock.startTimer(giveUpMs, () => this.#end("gave-up", this.#lastFailure));
  }

  #become(state: LinkState): void {
    this.#state = state;
    this.#events.onState();
  }

  #end(ending: SessionEnding, last: CloseResult | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#pace.end();
    this.#stopPump?.();
    this.#stopRetry();
    this.#stopGiveUp?.();
    this.#link?.drop();
    this.#link = undefined;
    this.#events.onEnd(ending, last);
  }
}
