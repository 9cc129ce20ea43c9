import type { NibbleOrder } from "@eet/audio";
import type { TappedFrame } from "../kernel/frame-tap.ts";
import type { SessionRecord } from "../kernel/segment-record.ts";
import { BlockPace } from "./block-pace.ts";
import { type Break, type LevelBlock, LevelBlocks } from "./level-blocks.ts";
import type { LiveStream } from "./live-messages.ts";
import type { LookBudget } from "./look-budget.ts";
import { StreamDecoder } from "./stream-decoder.ts";

/** Ticks that a peak is held for: 2 s. */
const holdTickCount = 20;

/** One who wants a stream's samples. */
export interface SampleConsumer {
  /**
   * Takes interleaved samples, which are written over afterwards.
   *
   * @param at - samples per channel from the session's start to the first one
   * @param before - what lies between it and the sample before
   */
  take(samples: Int16Array, at: number, before: Break): void;
  /** No more samples come. */
  end(): void;
}

export interface WatchedStreamOptions {
  readonly record: SessionRecord;
  readonly cachedOrder: () => NibbleOrder | undefined;
  readonly budget: LookBudget;
  /** What {@link WatchedStream.facts} tells has changed. */
  readonly onFacts: () => void;
}

/** A session that somebody looks at: decoded once for all of them. */
export class WatchedStream {
  readonly record: SessionRecord;
  readonly #budget: LookBudget;
  readonly #decoder: StreamDecoder;
  readonly #blocks: LevelBlocks;
  readonly #pace = new BlockPace();
  readonly #consumers = new Set<SampleConsumer>();
  /** Of the last ticks. */
  readonly #lastPeaks: (readonly number[])[] = [];
  /** Behind the last sample. */
  #nextAt: number | undefined;
  #hasSkipped = false;
  #level: LevelBlock | undefined;

  constructor({ record, cachedOrder, budget, onFacts }: WatchedStreamOptions) {
    this.record = record;
    this.#budget = budget;
    this.#blocks = new LevelBlocks(record.format, (block) => this.#pace.push(block));
    this.#decoder = new StreamDecoder({
      record,
      cachedOrder,
      onSamples: (samples, at) => this.#pass(samples, at),
      onNibbleOrder: onFacts,
    });
  }

  /** Level of the present tick; `undefined` when nothing came. */
  get level(): LevelBlock | undefined {
    return this.#level;
  }

  /** Highest peak of the last 2 s per channel. */
  get peakHolds(): readonly number[] {
    const { channels } = this.record.format;
    return Array.from({ length: channels }, (_, channel) =>
      this.#lastPeaks.reduce((most, peaks) => Math.max(most, peaks[channel] ?? 0), 0),
    );
  }

  /** As viewers are told. */
  get facts(): LiveStream {
    const { session, streamId, format, start, isAcked } = this.record;
    return {
      session,
      stream_id: streamId,
      codec: format.codec,
      sample_rate_hz: format.sampleRateHz,
      channels: format.channels,
      frame_samples: format.frameSampleCount,
      start_ms: start.startMs,
      start_rule: start.rule,
      acked: isAcked,
      nibble_order: this.#decoder.nibbleOrder,
      decodable: this.#decoder.isDecodable,
    };
  }

  /** Gives samples to one more from now on. */
  add(consumer: SampleConsumer): void {
    this.#consumers.add(consumer);
  }

  remove(consumer: SampleConsumer): void {
    this.#consumers.delete(consumer);
  }

  /** Looks at a frame, if there is time. @throws RangeError for a frame that cannot be decoded */
  take(frame: TappedFrame): void {
    const isTaken = this.#budget.spend(this.#consumers.size > 0, () => {
      this.#pace.expect((frame.sampleCount * 1000) / this.record.format.sampleRateHz);
      this.#decoder.take(frame);
    });
    if (!isTaken) this.#hasSkipped = true;
  }

  #pass(samples: Int16Array, at: number): void {
    if (this.#nextAt === undefined) this.#blocks.begin(at);
    const isContiguous = this.#nextAt === undefined || at === this.#nextAt;
    const before = { isGap: !isContiguous && !this.#hasSkipped, isSkip: this.#hasSkipped };
    this.#nextAt = at + samples.length / this.record.format.channels;
    this.#hasSkipped = false;
    if (before.isGap || before.isSkip) this.#blocks.noteBreak(before);
    this.#blocks.push(samples, at);
    for (const consumer of this.#consumers) consumer.take(samples, at, before);
  }

  /** A tenth of a second is over. */
  tick(): void {
    this.#level = this.#pace.next();
    this.#lastPeaks.push(this.#level?.peaks ?? []);
    if (this.#lastPeaks.length > holdTickCount) this.#lastPeaks.shift();
  }

  /** The session has ended: gives what is held back. */
  end(): void {
    this.#decoder.giveUpHolding();
  }
}
