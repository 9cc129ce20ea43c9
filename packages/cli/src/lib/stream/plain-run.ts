import { setImmediate } from "node:timers/promises";
import { describeCloseResult, type FrameStream, FrameStreamError, openFrameStream } from "@eet/client";
import type { StreamTarget } from "./stream-options.ts";
import {
  describeError,
  type StreamPlan,
  type StreamProgress,
  type StreamRun,
  type StreamState,
  turnFrameCount,
} from "./stream-run.ts";
import { isTokenRefusal } from "./token-advice.ts";

const nothing = { frameCount: 0, sampleCount: 0 };

/** A stream over one connection of version 1: it fails when the connection does. */
export class PlainRun implements StreamRun {
  readonly target: StreamTarget;
  readonly outage = undefined;
  readonly ended: Promise<void>;
  readonly #end: () => void;
  /** 0 to 1: the stream's place among all. */
  readonly #share: number;
  readonly #plan: StreamPlan;
  #state: StreamState = "waiting";
  #frameCount = 0;
  #sampleCount = 0;
  #lagMs = 0;
  #failure: string | undefined;
  #isTokenRefused = false;

  /** @param share - 0 to 1: the stream's place among all */
  constructor(target: StreamTarget, share: number, plan: StreamPlan) {
    this.target = target;
    this.#share = share;
    this.#plan = plan;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
  }

  get state(): StreamState {
    return this.#state;
  }

  get progress(): StreamProgress {
    return {
      delivery: "plain",
      sent: { frameCount: this.#frameCount, sampleCount: this.#sampleCount },
      durable: undefined,
      uploaded: undefined,
      buffered: { ...nothing, byteCount: 0 },
      spooled: undefined,
      dropped: nothing,
      reconnectCount: 0,
    };
  }

  get lagMs(): number {
    return this.#lagMs;
  }

  get failure(): string | undefined {
    return this.#failure;
  }

  get isTokenRefused(): boolean {
    return this.#isTokenRefused;
  }

  async open(): Promise<void> {
    const stream = await this.#connect();
    if (stream === undefined) this.#end();
    else this.#send(stream).then(this.#end);
  }

  /** Gives nothing when that failed or was interrupted. Never rejects. */
  async #connect(): Promise<FrameStream | undefined> {
    const { url, format, interruption, token, tls } = this.#plan;
    const opening = new AbortController();
    const abort = () => opening.abort();
    if (interruption.aborted) abort();
    interruption.addEventListener("abort", abort);
    this.#state = "connecting";
    try {
      const { streamId, hwid } = this.target;
      const device = hwid === undefined ? {} : { hwid };
      const secret = { ...(token !== undefined && { token }), ...(tls && { tls }) };
      const options = { url, ...device, ...secret, streamId, format, timestampMs: Date.now(), signal: opening.signal };
      const stream = await openFrameStream(options);
      this.#state = "open";
      return stream;
    } catch (error) {
      this.#isTokenRefused = error instanceof FrameStreamError && isTokenRefusal(error.result);
      if (interruption.aborted) this.#state = "interrupted";
      else this.#fail(describeError(error));
      return undefined;
    } finally {
      // From here on an interruption is no abort: what was sent is to arrive.
      interruption.removeEventListener("abort", abort);
    }
  }

  /** Sends all frames and closes. Never rejects. */
  async #send(stream: FrameStream): Promise<void> {
    try {
      await this.#sendFrames(stream);
    } catch (error) {
      this.#fail(`${describeError(error)} (${this.#frameCount} frames had been sent)`);
    }
    const isInterrupted = this.#plan.interruption.aborted;
    if (this.#failure === undefined) this.#state = "finishing";
    const result = await stream.close();
    if (this.#failure !== undefined) return;
    if (result.kind !== "clean") {
      const sent = `all ${this.#frameCount} frames had been sent, the last ones may not have arrived`;
      this.#fail(`${describeCloseResult(result)} (${sent})`);
    } else if (this.#frameCount === 0 && !isInterrupted) {
      this.#fail("there was no audio to send: check that the input holds some");
    } else {
      this.#state = isInterrupted && !this.#plan.isEndless ? "interrupted" : "complete";
    }
  }

  async #sendFrames(stream: FrameStream): Promise<void> {
    const { source, pacer, format, interruption } = this.#plan;
    const startMs = pacer?.startMs(this.#share) ?? 0;
    for await (const { payload, sampleCount } of source.frames()) {
      if (pacer) {
        // Each frame is due by the count of samples before it, never by the frame before: so nothing drifts.
        this.#lagMs = await pacer.waitUntil(startMs + (this.#sampleCount * 1000) / format.sampleRateHz);
      }
      if (interruption.aborted) return;
      await stream.send(payload);
      this.#frameCount += 1;
      this.#sampleCount += sampleCount;
      if (this.#frameCount % turnFrameCount === 0) await setImmediate();
    }
  }

  #fail(reason: string): void {
    this.#state = "failed";
    this.#failure = reason;
  }
}
