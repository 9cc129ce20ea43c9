import {
  type DeviceMessage,
  formatServerMessage,
  isDeviceMagic,
  limits,
  ProtocolError,
  parseDeviceMessage,
  type Resume,
} from "@eet/protocol";
import type { Clock, MonotonicMs } from "../kernel/clock.ts";
import { LimitError, StorageError, toError } from "../kernel/errors.ts";
import type { AckIntervals } from "./ack-intervals.ts";
import { AckPacer } from "./ack-pacer.ts";
import { type FrameChannel, maxPauseMs } from "./frame-channel.ts";
import type { FrameTally } from "./frame-tally.ts";
import type { Delivery, SessionRequest, SessionSink } from "./session-sink.ts";

/** How long a device waits for the answer to RSUM while the session is still being recovered. */
const maxResumeMs = 60_000;
/** Messages that a device may send behind RSUM without waiting for the answer; its socket is paused meanwhile. */
const maxEarlyMessageCount = 1_024;

/** What a channel needs besides its socket. */
export interface AckChannelContext {
  readonly sink: SessionSink;
  readonly clock: Clock;
  /** Paces the acks of all connections. */
  readonly ackIntervals: AckIntervals;
  /** Acks come at most this often. */
  readonly ackIntervalMs: number;
  /** Whether acks tell what the object store holds. */
  readonly hasUploads: boolean;
  /** Of one message, as the welcome tells it; default that of the protocol. */
  readonly maxMessageBytes?: number;
}

type ChannelState =
  /** Welcomed; neither RSUM nor a frame has come. */
  | { readonly name: "welcomed" }
  /** The answer to RSUM is being looked up; what comes meanwhile waits. */
  | { readonly name: "resuming"; readonly sinceMs: MonotonicMs; readonly early: Uint8Array[] }
  | { readonly name: "streaming" }
  /** FINI has come. */
  | { readonly name: "finishing" }
  | { readonly name: "ended" };

/**
 * The messages of an `eet.v1+ack` connection: welcomes, resumes, takes frames, anchors and the end, and acknowledges.
 * [P-2]
 */
export class AckChannel implements FrameChannel {
  readonly #send: (message: Uint8Array) => boolean;
  readonly #request: SessionRequest;
  readonly #tally: FrameTally;
  readonly #context: AckChannelContext;
  readonly #pacer: AckPacer;
  readonly #failed = Promise.withResolvers<Error>();
  readonly #finished = Promise.withResolvers<void>();
  #state: ChannelState = { name: "welcomed" };
  #resumed: Promise<void> = Promise.resolve();
  #delivery: Delivery;

  /** @throws LimitError or StorageError when the session cannot be recorded now */
  constructor(
    send: (message: Uint8Array) => boolean,
    request: SessionRequest,
    tally: FrameTally,
    context: AckChannelContext,
  ) {
    this.#send = send;
    this.#request = request;
    this.#tally = tally;
    this.#context = context;
    this.#delivery = context.sink.openDelivery(request);
    this.#pacer = new AckPacer(send, context.ackIntervals, () => this.#delivery);
    this.#hold(this.#delivery);
    this.#welcome(false, false);
  }

  get frameCount(): number {
    return this.#tally.frameCount;
  }

  get byteCount(): number {
    return this.#tally.byteCount;
  }

  get audioS(): number {
    return this.#tally.audioS;
  }

  get failed(): Promise<Error> {
    return this.#failed.promise;
  }

  get finished(): Promise<void> {
    return this.#finished.promise;
  }

  /** Who sends behind RSUM without waiting for the answer waits with its socket. */
  get maxPauseMs(): number {
    return this.#state.name === "resuming" ? maxResumeMs : maxPauseMs;
  }

  take(message: Uint8Array): boolean {
    const state = this.#state;
    if (state.name === "streaming" && !isDeviceMagic(readMagic(message))) {
      return this.#tally.pass(message, this.#delivery);
    }
    if (state.name === "ended") return true;
    if (state.name === "resuming") return keep(message, state.early);
    if (state.name === "finishing") {
      throw new ProtocolError("FRAME_AFTER_FINISH", `a message of ${message.byteLength} bytes came behind FINI`);
    }
    if (isDeviceMagic(readMagic(message))) {
      this.#obey(parseDeviceMessage(message));
      return true;
    }
    this.#state = { name: "streaming" };
    return this.#tally.pass(message, this.#delivery);
  }

  #obey(message: DeviceMessage): void {
    if (message.kind === "anchor") this.#delivery.anchor(message);
    else if (message.kind === "finish") this.#finish();
    else this.#resume(message);
  }

  #resume(resume: Resume): void {
    // A second RSUM would pull the session away under frames that the first one has announced.
    if (this.#state.name !== "welcomed") {
      throw new ProtocolError("RESUME_LATE", "RSUM came behind an audio frame or another RSUM");
    }
    this.#state = { name: "resuming", sinceMs: this.#context.clock.monotonicMs(), early: [] };
    this.#resumed = this.#lookUp({ ...this.#request, nibbleOrder: resume.nibbleOrder }, resume.session).catch(
      (thrown) => {
        // Of what came early, nothing behind a fault is taken.
        this.#state = { name: "ended" };
        this.#failed.resolve(toError(thrown));
      },
    );
  }

  async #lookUp(request: SessionRequest, session: bigint): Promise<void> {
    const { sink } = this.#context;
    const resumed = session === 0n ? undefined : await sink.resumeDelivery(request, session);
    const state = this.#state;
    if (state.name !== "resuming") {
      void resumed?.end();
      return;
    }
    this.#delivery.onProgress = undefined;
    void this.#delivery.end();
    this.#hold(resumed ?? sink.openDelivery(request));
    this.#state = { name: "streaming" };
    this.#welcome(resumed !== undefined, true);
    for (const message of state.early) this.take(message);
  }

  #hold(delivery: Delivery): void {
    this.#delivery = delivery;
    delivery.onProgress = () => this.#pacer.look();
    void delivery.failed.then((error) => {
      if (this.#delivery === delivery) this.#failed.resolve(error);
    });
  }

  #welcome(isResumed: boolean, answersResume: boolean): void {
    const { clock, ackIntervalMs, hasUploads, maxMessageBytes = limits.maxMessageBytes } = this.#context;
    const { session, progress } = this.#delivery;
    const welcome = formatServerMessage({
      kind: "welcome",
      nextSeq: progress.receivedNext,
      session,
      serverMs: clock.wallMs(),
      ackIntervalMs,
      isResumed,
      answersResume,
      hasUploads,
      maxMessageBytes,
      resumeTtlS: limits.resumeTtlS,
    });
    this.#send(welcome);
    if (isResumed) this.#pacer.restart();
  }

  #finish(): void {
    this.#state = { name: "finishing" };
    const delivery = this.#delivery;
    void delivery.finish().then(() => {
      if (this.#state.name !== "finishing") return;
      this.#pacer.acknowledge();
      this.#finished.resolve();
    });
  }

  drained(): Promise<void> {
    return this.#state.name === "resuming" ? this.#resumed : this.#delivery.drained();
  }

  stallError(waitMs: number): Error {
    if (this.#state.name === "resuming") return stillRecovering(waitMs);
    const code = this.#delivery.progress.isPersisting ? "STORAGE_STALLED" : "STORAGE_IO";
    return new StorageError(code, `there was no room for frames for ${Math.round(waitMs)} ms`);
  }

  sweep(isTooFast: boolean): Error | undefined {
    // What comes before the answer to RSUM would be of another session.
    if (this.#state.name === "streaming") this.#pacer.slow(isTooFast);
    if (this.#state.name !== "resuming") return undefined;
    const waitMs = this.#context.clock.monotonicMs() - this.#state.sinceMs;
    return waitMs >= maxResumeMs ? stillRecovering(waitMs) : undefined;
  }

  settle(): Promise<void> {
    return this.#delivery.flush();
  }

  conclude(): void {
    this.#pacer.conclude();
  }

  end(): Promise<void> {
    this.#state = { name: "ended" };
    this.#pacer.end();
    this.#delivery.onProgress = undefined;
    return this.#delivery.end();
  }
}

function keep(message: Uint8Array, early: Uint8Array[]): boolean {
  if (early.length >= maxEarlyMessageCount) {
    throw new ProtocolError("RESUME_LATE", `more than ${maxEarlyMessageCount} messages came before RSUM was answered`);
  }
  early.push(message.slice());
  return false;
}

function stillRecovering(waitMs: number): LimitError {
  return new LimitError("RECOVERING", `the session could not be told after ${Math.round(waitMs)} ms`);
}

/** 0, which is no message's, for one that is too short. */
function readMagic(message: Uint8Array): number {
  return ((message[0] ?? 0) | ((message[1] ?? 0) << 8) | ((message[2] ?? 0) << 16) | ((message[3] ?? 0) << 24)) >>> 0;
}
