import type { FleetMessage } from "@eet/server/api-types";
import { type ReadonlySignal, signal } from "@preact/signals";
import { parseFleetLevels } from "../api/live-frames.ts";
import type { LiveSubscription } from "../api/live-socket.ts";
import { live } from "../api/page-live.ts";
import { formatStream } from "../format/format-amount.ts";
import { LevelHistory } from "./level-history.ts";
import { MinuteLookup } from "./minute-lookup.ts";
import { type FleetStream, MinuteReader, type MinuteSources } from "./minute-reader.ts";

/** What a subscription may name. */
const maxDeviceCount = 200;
/** Scrolling passes many devices: only where it rests levels are asked for. */
const restMs = 120;
/** Levels come ten times a second: whoever missed so many does not know what they were. */
const pauseMs = 2_000;

/** Levels of the devices that are on screen. */
export class FleetLevels {
  readonly #formats = signal<ReadonlyMap<string, string>>(new Map());
  readonly #histories = new Map<string, LevelHistory>();
  /** Of the devices that are on screen, and received. */
  readonly #streams = new Map<string, FleetStream>();
  readonly #reader: MinuteReader;
  readonly #lookup = new MinuteLookup((hwid, signal) => this.#read(hwid, signal));
  #hwids: readonly string[] = [];
  #asked: readonly string[] = [];
  #subscription: LiveSubscription | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(sources: MinuteSources) {
    this.#reader = new MinuteReader(sources);
  }

  /** In which format the devices on screen are received: the archive knows it when their first segment is closed. */
  get formats(): ReadonlySignal<ReadonlyMap<string, string>> {
    return this.#formats;
  }

  /** What was heard of a device while it was on screen. */
  historyOf(hwid: string): LevelHistory | undefined {
    return this.#histories.get(hwid);
  }

  /** Asks for the levels of these devices from now on. */
  show(hwids: readonly string[]): void {
    const shown = hwids.slice(0, maxDeviceCount);
    if (shown.length === this.#hwids.length && shown.every((hwid, index) => hwid === this.#hwids[index])) return;
    this.#hwids = shown;
    this.#lookup.show(shown);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), restMs);
  }

  /** Nobody looks: what is being read of the past is left. Levels end with the connection. */
  rest(): void {
    this.#lookup.show([]);
  }

  /** Asks for nothing any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.rest();
    this.#subscription?.close();
    this.#subscription = undefined;
  }

  #ask(): void {
    const ask = { type: "fleet", hwids: this.#hwids } as const;
    if (this.#subscription !== undefined) {
      this.#subscription.update(ask);
      return;
    }
    this.#subscription = live.subscribe(ask, {
      onMessage: (message) => {
        if (message.type === "fleet") this.#begin(message);
      },
      onBinary: (message) => this.#take(message),
    });
  }

  /** Indexes of what comes from here on are those of this answer. */
  #begin({ devices }: FleetMessage): void {
    this.#asked = devices.map(({ hwid }) => hwid);
    const nowMs = Date.now();
    this.#streams.clear();
    for (const { hwid, last_minute_dbfs, session, start_ms, format } of devices) {
      this.#open(hwid).fill(last_minute_dbfs, nowMs);
      if (session === null || start_ms === null || format === null) continue;
      this.#streams.set(hwid, { session, startMs: start_ms, sampleRateHz: format.sample_rate_hz });
    }
    // Of those whose levels come, the answer is about sessions only.
    this.#lookup.want([...this.#streams.keys()].filter((hwid) => nowMs - this.#open(hwid).heardMs > pauseMs));
    this.#formats.value = new Map(
      devices.flatMap(({ hwid, format }) => (format === null ? [] : [[hwid, formatStream(format)]])),
    );
  }

  #take(message: DataView<ArrayBuffer>): void {
    const nowMs = Date.now();
    for (const { index, peakDbfs, rmsDbfs, flags } of parseFleetLevels(message)) {
      const hwid = this.#asked[index];
      if (hwid !== undefined) this.#open(hwid).take(peakDbfs, rmsDbfs, flags, nowMs);
    }
  }

  async #read(hwid: string, signal: AbortSignal): Promise<boolean> {
    const stream = this.#streams.get(hwid);
    return stream === undefined || this.#reader.read(hwid, stream, this.#open(hwid), signal);
  }

  #open(hwid: string): LevelHistory {
    const known = this.#histories.get(hwid);
    if (known !== undefined) return known;
    const history = new LevelHistory();
    this.#histories.set(hwid, history);
    return history;
  }
}
