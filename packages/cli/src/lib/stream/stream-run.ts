import { setImmediate } from "node:timers/promises";
import { describeCloseResult, type FrameStream, openFrameStream } from "@eet/client";
import type { StreamFormat } from "@eet/protocol";
import type { FrameSource } from "./frame-source.ts";
import type { Pacer } from "./pacer.ts";
import type { StreamTarget } from "./stream-options.ts";

/** What all streams of a command share. */
export interface StreamPlan {
  readonly url: string;
  readonly format: StreamFormat;
  readonly source: FrameSource;
  /** Without it frames go as fast as the server takes them. */
  readonly pacer: Pacer | undefined;
  /** Whether the audio ends only by an interruption, which then is a success. */
  readonly isEndless: boolean;
  readonly interruption: AbortSignal;
}

/** Where a stream stands. */
export type StreamState = "waiting" | "opening" | "open" | "closing" | "complete" | "interrupted" | "failed";

/** After so many frames other work gets a turn; a socket that takes everything would never let go. */
const turnFrameCount = 16;

/** One stream from connecting to the end of its close handshake, and how far it has come. */
export class StreamRun {
  readonly target: StreamTarget;
  /** 0 to 1: the stream's place among all. */
  readonly share: number;
  readonly #plan: StreamPlan;
  #state: StreamState = "waiting";
  #frameCount = 0;
  #sampleCount = 0;
  #lagMs = 0;
  #failure: string | undefined;

  constructor(target: StreamTarget, share: number, plan: StreamPlan) {
    this.target = target;
    this.share = share;
    this.#plan = plan;
  }

  get state(): StreamState {
    return this.#state;
  }

  get frameCount(): number {
    return this.#frameCount;
  }

  /** Samples sent, per channel. */
  get sampleCount(): number {
    return this.#sampleCount;
  }

  /** How late the last frame was, 0 without pacing. */
  get lagMs(): number {
    return this.#lagMs;
  }

  /** What went wrong and what to do; `undefined` if nothing did. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Connects; gives nothing when that failed or was interrupted. Never rejects. */
  async open(): Promise<FrameStream | undefined> {
    const { url, format, interruption } = this.#plan;
    const opening = new AbortController();
    const abort = () => opening.abort();
    if (interruption.aborted) abort();
    interruption.addEventListener("abort", abort);
    this.#state = "opening";
    try {
      const { streamId, hwid } = this.target;
      const device = hwid === undefined ? {} : { hwid };
      const options = { url, ...device, streamId, format, timestampMs: Date.now(), signal: opening.signal };
      const stream = await openFrameStream(options);
      this.#state = "open";
      return stream;
    } catch (error) {
      if (interruption.aborted) this.#state = "interrupted";
      else this.#fail(describe(error));
      return undefined;
    } finally {
      // From here on an interruption is no abort: what was sent is to arrive.
      interruption.removeEventListener("abort", abort);
    }
  }

  /** Sends all frames and closes. Never rejects. */
  async send(stream: FrameStream): Promise<void> {
    try {
      await this.#sendFrames(stream);
    } catch (error) {
      this.#fail(`${describe(error)} (${this.#frameCount} frames had been sent)`);
    }
    const isInterrupted = this.#plan.interruption.aborted;
    if (this.#failure === undefined) this.#state = "closing";
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
    const startMs = pacer?.startMs(this.share) ?? 0;
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

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
