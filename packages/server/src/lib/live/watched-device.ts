import type { NibbleOrder } from "@eet/audio";
import type { Clock } from "../kernel/clock.ts";
import type { TappedFrame } from "../kernel/frame-tap.ts";
import type { SessionRecord } from "../kernel/segment-record.ts";
import { centiDb } from "./decibels.ts";
import type { LevelBlock } from "./level-blocks.ts";
import type { LookBudget } from "./look-budget.ts";
import { MinuteWave } from "./minute-wave.ts";
import { WatchedStream } from "./watched-stream.ts";

/** What devices need of their surroundings. */
export interface WatchedDeviceContext {
  readonly clock: Clock;
  readonly budget: LookBudget;
  /** Nibble order that earlier streams of a device told. */
  readonly cachedOrderOf: (hwid: string | null) => NibbleOrder | undefined;
}

/** A device that somebody looks at, connected or not. */
export class WatchedDevice {
  /** `null` for all that connect without an id. */
  readonly hwid: string | null;
  readonly #context: WatchedDeviceContext;
  /** By session, the one that began last at the end. */
  readonly #streams = new Map<string, WatchedStream>();
  readonly #observers = new Set<() => void>();
  readonly #wave = new MinuteWave();
  #level: LevelBlock | undefined;

  constructor(hwid: string | null, context: WatchedDeviceContext) {
    this.hwid = hwid;
    this.#context = context;
  }

  /** Level of the present tick, of several streams the loudest; `undefined` when nothing came. */
  get level(): LevelBlock | undefined {
    return this.#level;
  }

  get isStreaming(): boolean {
    return this.#streams.size > 0;
  }

  /** Stream ids of its sessions, each once. */
  get streamIds(): readonly number[] {
    return [...new Set([...this.#streams.values()].map(({ record }) => record.streamId))].sort((a, b) => a - b);
  }

  /** See {@link MinuteWave.read}. */
  get lastMinuteDbfs(): readonly (number | null)[] {
    return this.#wave.read(this.#context.clock.wallMs());
  }

  /** The session that began last. @param streamId - only of this stream */
  newest(streamId: number | undefined): WatchedStream | undefined {
    return [...this.#streams.values()].findLast(({ record }) => streamId === undefined || record.streamId === streamId);
  }

  /** How a session's ADPCM is decoded; `undefined`: that is a guess, or not known. */
  nibbleOrderOf(session: string): NibbleOrder | undefined {
    const { nibble_order: decision = null } = this.#streams.get(session)?.facts ?? {};
    return decision === null || decision.source === "default" ? undefined : decision.order;
  }

  /** Calls `observer` when sessions or their facts change. */
  observe(observer: () => void): void {
    this.#observers.add(observer);
  }

  unobserve(observer: () => void): void {
    this.#observers.delete(observer);
  }

  openSession(record: SessionRecord): void {
    const { budget, cachedOrderOf } = this.#context;
    const stream = new WatchedStream({
      ...{ record, budget },
      cachedOrder: () => cachedOrderOf(record.hwid),
      onFacts: () => this.#tell(),
    });
    this.#streams.delete(record.session);
    this.#streams.set(record.session, stream);
    this.#tell();
  }

  closeSession(session: string): void {
    this.#streams.get(session)?.end();
    if (this.#streams.delete(session)) this.#tell();
  }

  #tell(): void {
    for (const observer of this.#observers) observer();
  }

  /** @throws RangeError for a frame that cannot be decoded */
  take(frame: TappedFrame): void {
    this.#streams.get(frame.session)?.take(frame);
  }

  /** A tenth of a second is over. */
  tick(): void {
    this.#level = undefined;
    for (const stream of this.#streams.values()) {
      stream.tick();
      if (stream.level === undefined) continue;
      if (this.#level === undefined || peakOf(stream.level) > peakOf(this.#level)) this.#level = stream.level;
    }
    if (this.#level === undefined) return;
    this.#wave.push(this.#context.clock.wallMs(), centiDb(peakOf(this.#level)) / 100);
  }
}

function peakOf({ peaks }: LevelBlock): number {
  return Math.max(...peaks);
}
