import { setTimeout as delay } from "node:timers/promises";
import type { Annotations, HealthState } from "../catalog/annotations.ts";
import type { Clock } from "../kernel/clock.ts";
import type { ConnectionEvent } from "../kernel/connection-events.ts";
import { DelayQueue } from "../kernel/delay-queue.ts";
import { toError } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import type { Sidecar } from "../kernel/sidecar.ts";
import { DeviceHealth } from "./device-health.ts";
import type { Evidence } from "./health-conditions.ts";
import { readSegmentFacts } from "./segment-facts.ts";
import type { HeldCondition } from "./stream-health.ts";

/** A connection is told to be silent after 10 s; so much later the device has no data. */
const silenceMs = 20_000;
/** Frames have to come for so long until it has. */
const recoveryMs = 30_000;
/** Devices that are remembered; of more, those heard of least recently begin anew. */
const maxDeviceCount = 100_000;
/** After a start a whole fleet is looked up: the catalogue has other things to do in between. */
const learningPauseMs = 10;
/** After a failure to note what changed. */
const defaultRetryMs = 5_000;

/** The level of an earlier segment. */
export interface EarlierLevel {
  readonly startMs: number;
  readonly rmsDbfs: number;
}

export interface HealthMonitorOptions {
  readonly annotations: Pick<Annotations, "health" | "setHealth">;
  readonly log: Log;
  readonly clock: Clock;
  /** Wait after a failure of the catalogue. Default 5 s. */
  readonly retryMs?: number;
  /** Since when all connections of a device are silent; `null` while one sends, `undefined` when there is none. */
  readonly silentSinceMs: (hwid: string) => number | null | undefined;
  /** Levels of a stream's segments of the last week: what is usual. Asked once per stream and run. */
  readonly earlierLevels?: (hwid: string, streamId: number) => Promise<readonly EarlierLevel[]>;
}

/**
 * Judges the health of devices by the segments that they send and by their connections, and keeps what holds in the
 * catalogue, with a `health.changed` event for each change. Devices without an id have no health.
 */
export class HealthMonitor {
  readonly #options: HealthMonitorOptions;
  readonly #devices = new Map<string, DeviceHealth>();
  readonly #silences: DelayQueue;
  readonly #recoveries: DelayQueue;
  /** By device; what is not written yet. */
  readonly #writing = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();
  /** Devices are looked up one after the other. */
  #learning: Promise<void> = Promise.resolve();

  constructor(options: HealthMonitorOptions) {
    this.#options = options;
    this.#silences = new DelayQueue(options.clock, silenceMs);
    this.#recoveries = new DelayQueue(options.clock, recoveryMs);
  }

  /**
   * Takes up what holds since earlier runs.
   *
   * @throws StorageError when the catalogue cannot be read
   */
  async open(): Promise<void> {
    for (const { hwid, condition, sinceMs, evidence } of await this.#options.annotations.health()) {
      this.#device(hwid).restore({ condition, sinceMs, evidence: numbersOf(evidence) });
    }
  }

  /** Judges a segment that the catalogue knows. Those of a device are to come in the order of their time. */
  takeSegment(sidecar: Sidecar): void {
    const { hwid } = sidecar;
    if (hwid === null || this.#stopping.signal.aborted) return;
    const facts = readSegmentFacts(sidecar);
    const device = this.#device(hwid);
    if (device.isNew(facts.streamId))
      this.#learning = this.#learning.then(() => this.#learn(hwid, device, facts.streamId));
    this.#change(hwid, device, () => device.take(facts));
  }

  /** Takes what ingest tells of connections. */
  takeConnection(event: ConnectionEvent): void {
    const { hwid, type } = event;
    if (hwid === null || this.#stopping.signal.aborted) return;
    if (type === "device.silent") this.#silences.schedule({ delayOver: () => this.#lookForSilence(hwid) });
    // Also after a silence that an earlier run has seen, of which this connection knows nothing.
    if (type === "device.sends" || type === "device.connected")
      this.#recoveries.schedule({ delayOver: () => this.#lookForData(hwid) });
  }

  /** A device is offline: that it sends nothing is no news then. */
  takeOffline(hwid: string): void {
    const device = this.#devices.get(hwid);
    if (device !== undefined) this.#change(hwid, device, () => device.setNoData(undefined));
  }

  /** Judges no more. @returns when what was to be written is; never rejects */
  async close(): Promise<void> {
    this.#stopping.abort();
    this.#silences.close();
    this.#recoveries.close();
    await Promise.all([this.#learning, ...this.#writing.values()]);
  }

  #lookForSilence(hwid: string): void {
    const sinceMs = this.#options.silentSinceMs(hwid);
    if (typeof sinceMs !== "number") return;
    const silentS = Math.round((this.#options.clock.wallMs() - sinceMs) / 1000);
    const device = this.#device(hwid);
    this.#change(hwid, device, () => device.setNoData({ sinceMs, evidence: { silent_s: silentS } }));
  }

  #lookForData(hwid: string): void {
    const device = this.#devices.get(hwid);
    if (device === undefined || this.#options.silentSinceMs(hwid) !== null) return;
    this.#change(hwid, device, () => device.setNoData(undefined));
  }

  /** Never rejects. */
  async #learn(hwid: string, device: DeviceHealth, streamId: number): Promise<void> {
    const { earlierLevels, log } = this.#options;
    const { signal } = this.#stopping;
    if (earlierLevels === undefined || signal.aborted) return;
    try {
      device.restoreLevels(streamId, await earlierLevels(hwid, streamId));
      await delay(learningPauseMs, undefined, { signal });
    } catch (thrown) {
      if (signal.aborted) return;
      log.warn({ hwid, error: toError(thrown).message }, "the usual level of a device is not known");
    }
  }

  #change(hwid: string, device: DeviceHealth, change: () => boolean): void {
    const before = device.held;
    if (!change()) return;
    const after = device.held;
    const written = (this.#writing.get(hwid) ?? Promise.resolve()).then(() => this.#write(hwid, before, after));
    this.#writing.set(hwid, written);
    void written.then(() => {
      if (this.#writing.get(hwid) === written) this.#writing.delete(hwid);
    });
  }

  /** Never rejects. */
  async #write(hwid: string, before: readonly HeldCondition[], after: readonly HeldCondition[]): Promise<void> {
    const { annotations, log } = this.#options;
    const entered = after.filter(({ condition }) => !before.some((held) => held.condition === condition));
    const left = before.filter(({ condition }) => !after.some((held) => held.condition === condition));
    if (entered.length + left.length === 0) return;
    const data = {
      entered: entered.map(toData),
      left: left.map(toData),
      conditions: after.map(({ condition }) => condition),
    };
    const states = after.map((held): HealthState => ({ hwid, ...held }));
    const names = { entered: entered.map(({ condition }) => condition), left: left.map(({ condition }) => condition) };
    log.info({ hwid, ...names }, "health of a device changed");
    await this.#insist(hwid, () => annotations.setHealth(hwid, states, { type: "health.changed", hwid, data }));
  }

  /** Tries until it is noted, as after a full disk, or the server stops: the next run judges anew. Never rejects. */
  async #insist(hwid: string, note: () => Promise<void>): Promise<void> {
    const { log, retryMs = defaultRetryMs } = this.#options;
    const { signal } = this.#stopping;
    for (let isFirst = true; ; isFirst = false) {
      const isLast = signal.aborted;
      try {
        return await note();
      } catch (thrown) {
        const error = toError(thrown).message;
        if (isFirst) log.error({ hwid, error }, "health of a device not noted; tried again");
        if (isLast) return;
        await delay(retryMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  #device(hwid: string): DeviceHealth {
    const device = this.#devices.get(hwid) ?? new DeviceHealth();
    // Put last: the first one was not heard of for the longest time.
    this.#devices.delete(hwid);
    this.#devices.set(hwid, device);
    const [oldest] = this.#devices.keys();
    if (this.#devices.size > maxDeviceCount && oldest !== undefined) this.#devices.delete(oldest);
    return device;
  }
}

function toData({ condition, sinceMs, evidence }: HeldCondition) {
  return { condition, since_time: new Date(sinceMs).toISOString(), evidence };
}

function numbersOf(evidence: Readonly<Record<string, unknown>>): Evidence {
  return Object.fromEntries(
    Object.entries(evidence).filter((entry): entry is [string, number] => typeof entry[1] === "number"),
  );
}
