import { setImmediate } from "node:timers/promises";
import type { NibbleOrder } from "@eet/audio";
import {
  type AudioAmount,
  type CapturedAt,
  createSession,
  type DeliveryMode,
  describeCloseResult,
  describeSessionResult,
  type LinkState,
  type Session,
  type SessionResult,
  type SessionState,
} from "@eet/client";
import { counted } from "../counted.ts";
import type { CapturePace } from "./capture-pace.ts";
import type { DeliveryPolicy } from "./delivery-policy.ts";
import type { AudioFrame } from "./frame-encoder.ts";
import type { StreamTarget } from "./stream-options.ts";
import {
  describeError,
  type Outage,
  type StreamPlan,
  type StreamProgress,
  type StreamRun,
  type StreamState,
  turnFrameCount,
} from "./stream-run.ts";
import type { StreamSpool } from "./stream-spool.ts";
import { isTokenRefusal } from "./token-advice.ts";

/** What all streams with acknowledgements share. */
export interface SessionPlan extends StreamPlan {
  readonly policy: DeliveryPolicy;
  readonly nibbleOrder: NibbleOrder;
  /** Of audio from a pipe. */
  readonly pace: CapturePace | undefined;
  /** Told of the first connection of each stream on which frames may travel. */
  readonly onOpen: (delivery: DeliveryMode) => void;
  /** Whether any stream of the command has had one. */
  readonly isReached: () => boolean;
  readonly spool: StreamSpool | undefined;
}

const nothing = { frameCount: 0, sampleCount: 0 };

/** A stream that ends when all of it is on the server's stable storage, over as many connections as it takes. [P-2] */
export class SessionRun implements StreamRun {
  readonly target: StreamTarget;
  readonly ended: Promise<void>;
  readonly #end: () => void;
  readonly #share: number;
  readonly #plan: SessionPlan;
  readonly #onInterruption = () => this.#interrupt();
  #session: Session | undefined;
  #delivery: DeliveryMode | undefined;
  /** Set when it has ended. */
  #ending: StreamState | undefined;
  #failure: string | undefined;
  #lagMs = 0;
  /** The interruption came before the audio's end. */
  #isCutShort = false;
  #isTokenRefused = false;
  /** Resolves when the session's state or progress changes next. */
  #moved = Promise.withResolvers<void>();

  /** @param share - 0 to 1: the stream's place among all */
  constructor(target: StreamTarget, share: number, plan: SessionPlan) {
    this.target = target;
    this.#share = share;
    this.#plan = plan;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
  }

  get state(): StreamState {
    if (this.#ending !== undefined) return this.#ending;
    return this.#session === undefined ? "waiting" : stateNames[this.#session.state.kind];
  }

  get progress(): StreamProgress {
    const progress = this.#session?.progress;
    return {
      delivery: this.#delivery,
      sent: progress?.sent ?? nothing,
      durable: this.#delivery === "plain" ? undefined : (progress?.durable ?? nothing),
      uploaded: progress?.uploaded,
      buffered: progress?.buffered ?? { ...nothing, byteCount: 0 },
      spooled: this.#spooled,
      dropped: progress?.dropped ?? nothing,
      reconnectCount: progress?.reconnectCount ?? 0,
    };
  }

  /** What earlier runs left is in each session's backlog, but is no stream's own. */
  get #spooled(): AudioAmount | undefined {
    const { spool } = this.#plan;
    const { frameCount, sampleCount } = this.#session?.progress.backlog ?? nothing;
    return (
      spool && {
        frameCount: Math.max(0, frameCount - spool.earlier.frameCount),
        sampleCount: Math.max(0, sampleCount - spool.earlier.sampleCount),
      }
    );
  }

  get lagMs(): number {
    return this.#lagMs;
  }

  get outage(): Outage | undefined {
    const link = this.#session && linkOf(this.#session.state);
    if (link?.kind !== "waiting") return undefined;
    return { reason: describeCloseResult(link.reason), untilMs: link.untilMs };
  }

  get failure(): string | undefined {
    return this.#failure;
  }

  get isTokenRefused(): boolean {
    return this.#isTokenRefused;
  }

  async open(): Promise<void> {
    const { interruption } = this.#plan;
    if (interruption.aborted) {
      this.#conclude("interrupted");
      return;
    }
    const session = this.#createSession();
    this.#session = session;
    interruption.addEventListener("abort", this.#onInterruption);
    session.closed.then((result) => this.#judge(result));
    this.#send(session);
    while (linkOf(session.state)?.kind === "connecting" || session.state.kind === "idle") await this.#moved.promise;
  }

  #createSession(): Session {
    const { url, format, nibbleOrder, token, tls, policy, spool } = this.#plan;
    const { hwid, streamId } = this.target;
    return createSession({
      url,
      ...(hwid !== undefined && { hwid }),
      streamId,
      format,
      ...(token !== undefined && { token }),
      ...(tls && { tls }),
      startMs: Date.now(),
      nibbleOrder,
      window: policy.window,
      whenFull: policy.whenFull,
      fallback: "plain",
      ...(spool && { spool: spool.spool }),
      ...(policy.giveUpMs !== undefined && { giveUpMs: policy.giveUpMs }),
      onState: (state) => this.#follow(state),
      onProgress: () => this.#move(),
    });
  }

  #follow(state: SessionState): void {
    const { policy, isReached, onOpen } = this.#plan;
    const link = linkOf(state);
    if (link?.kind === "open" && this.#delivery === undefined) {
      this.#delivery = link.delivery;
      onOpen(link.delivery);
    } else if (link?.kind === "waiting" && policy.failsFast && !isReached() && link.reason.kind === "unreachable") {
      this.#failure = describeCloseResult(link.reason);
      this.#session?.abort();
    }
    this.#move();
  }

  #move(): void {
    this.#moved.resolve();
    this.#moved = Promise.withResolvers();
  }

  /** What was read is to arrive. */
  #interrupt(): void {
    const session = this.#session;
    if (session === undefined) return;
    this.#isCutShort = session.state.kind !== "finishing";
    const isOwing = session.progress.written.frameCount > 0 || this.#plan.spool?.hadEarlier === true;
    if (!isOwing && linkOf(session.state)?.kind !== "open") session.abort();
    else session.finish();
    this.#move();
  }

  /** Hands over all frames and finishes. Never rejects. */
  async #send(session: Session): Promise<void> {
    try {
      await this.#sendFrames(session);
    } catch (error) {
      // A session that has ended tells by itself why.
      if (session.state.kind !== "closed") this.#failure = describeError(error);
    }
    session.finish();
  }

  async #sendFrames(session: Session): Promise<void> {
    const { source, pacer, pace, format, interruption } = this.#plan;
    const startMs = pacer?.startMs(this.#share) ?? 0;
    let frameCount = 0;
    let sampleIndex = 0;
    for await (const frame of source.frames()) {
      if (pacer) {
        // Each frame is due by the count of samples before it, never by the frame before: so nothing drifts.
        this.#lagMs = await pacer.waitUntil(startMs + (sampleIndex * 1000) / format.sampleRateHz);
      }
      pace?.note(frame.sampleCount);
      if (pace?.isRecorded) await this.#waitForRoom(session);
      if (interruption.aborted) return;
      await session.writeFrame(frame.payload, frameCount === 0 ? this.#capturedNow(frame) : undefined);
      sampleIndex += frame.sampleCount;
      frameCount += 1;
      if (frameCount % turnFrameCount === 0) await setImmediate();
    }
  }

  /** A pipe may be silent at first: its time line begins with its first frame. */
  #capturedNow({ sampleCount }: AudioFrame): CapturedAt | undefined {
    const { pace, format } = this.#plan;
    const frameMs = (sampleCount * 1000) / format.sampleRateHz;
    return pace && { captureMs: Date.now() - frameMs, captureUs: (performance.now() - frameMs) * 1000 };
  }

  /** The session would drop what it has no room for. */
  async #waitForRoom(session: Session): Promise<void> {
    const { maxBytes, maxSeconds } = this.#plan.policy.window;
    for (;;) {
      const { byteCount, audioS } = session.progress.buffered;
      const isFull = byteCount >= maxBytes || audioS >= maxSeconds;
      if (!isFull || this.#plan.interruption.aborted || session.state.kind === "closed") return;
      await this.#moved.promise;
    }
  }

  #judge(result: SessionResult): void {
    this.#plan.interruption.removeEventListener("abort", this.#onInterruption);
    this.#delivery ??= result.delivery;
    this.#isTokenRefused = result.kind !== "complete" && isTokenRefusal(result.last);
    // Only the interruption aborts without having told a failure.
    if (result.kind !== "aborted") this.#failure ??= this.#findFault(result);
    const isInterrupted = result.kind === "aborted" || (this.#isCutShort && !this.#plan.isEndless);
    if (this.#failure !== undefined) this.#conclude("failed");
    else this.#conclude(isInterrupted ? "interrupted" : "complete");
  }

  /** What is wrong with how a session ended. */
  #findFault(result: SessionResult): string | undefined {
    const { sent, dropped, reconnectCount } = this.progress;
    if (result.kind !== "complete") {
      const stay = this.#plan.spool ? " and stay in the spool" : "";
      const open =
        result.delivery === "plain" ? "" : `, ${result.unacknowledgedFrameCount} are not acknowledged${stay}`;
      return `${describeSessionResult(result)} (${sent.frameCount} frames had been sent${open})`;
    }
    if (dropped.frameCount > 0) return this.#describeDropped(dropped);
    if (result.delivery === "plain" && reconnectCount > 0) {
      return `the connection broke ${counted(reconnectCount, "time")} and the server does not acknowledge: frames that were on their way may be missing`;
    }
    const isSilent = sent.frameCount === 0 && !this.#isCutShort && !this.#plan.spool?.hadEarlier;
    return isSilent ? "there was no audio to send: check that the input holds some" : undefined;
  }

  #describeDropped({ frameCount, sampleCount }: AudioAmount): string {
    const { policy, format, spool } = this.#plan;
    const seconds = (sampleCount / format.sampleRateHz).toFixed(1);
    const why = spool
      ? "the spool or its disk had no room: give it more with --spool-mb"
      : `memory holds ${policy.windowS.toFixed(0)} s of live audio: keep it on disk with --spool DIR`;
    return `${counted(frameCount, "frame")} (${seconds} s) were dropped, ${why}`;
  }

  #conclude(ending: StreamState): void {
    this.#ending = ending;
    this.#end();
  }
}

const stateNames: Readonly<Record<SessionState["kind"], StreamState>> = {
  idle: "connecting",
  connecting: "connecting",
  open: "open",
  waiting: "reconnecting",
  finishing: "finishing",
  closed: "finishing",
};

function linkOf(state: SessionState): LinkState | undefined {
  if (state.kind === "closed") return undefined;
  return state.kind === "finishing" ? state.link : state;
}
