import { type ColumnRun, formatDeviceLevels, formatSpectrum } from "./binary-messages.ts";
import { type Column, joinColumns } from "./column-runs.ts";
import type { Break } from "./level-blocks.ts";
import type { LiveHub, Ticking } from "./live-hub.ts";
import { type DeviceRequest, liveLimits } from "./live-messages.ts";
import { SpectrumColumns } from "./spectrum-columns.ts";
import { StreamFollower } from "./stream-follower.ts";
import type { ViewerPort } from "./viewer-port.ts";
import type { SampleConsumer, WatchedStream } from "./watched-stream.ts";

/** Columns of one tick that are kept at most, the newest: a frame of minutes brings more at once. */
const maxColumnCount = 400;

/** A subscription to levels and spectrum of one device. */
export class DeviceView implements Ticking {
  readonly #id: number;
  readonly #hub: LiveHub;
  readonly #port: ViewerPort;
  readonly #follower: StreamFollower<ColumnGatherer>;

  constructor(request: DeviceRequest, hub: LiveHub, port: ViewerPort) {
    const { id, spectrum_bins = liveLimits.defaultBinCount } = request;
    this.#id = id;
    this.#hub = hub;
    this.#port = port;
    this.#follower = new StreamFollower(request, hub, port, (stream) => new ColumnGatherer(stream, spectrum_bins));
    hub.add(this);
  }

  tick(): void {
    const { stream, consumer } = this.#follower;
    if (stream === undefined || consumer === undefined) return;
    const { level } = stream;
    if (level !== undefined) this.#port.show(() => formatDeviceLevels(this.#id, level, stream.peakHolds));
    for (const run of consumer.takeRuns()) this.#port.show(() => formatSpectrum(this.#id, run));
  }

  close(): void {
    this.#hub.remove(this);
    this.#follower.close();
  }
}

/** Gathers columns until the next tick. */
class ColumnGatherer implements SampleConsumer {
  readonly #meter: SpectrumColumns;
  #columns: Column[] = [];
  #hasBegun = false;

  constructor({ record }: WatchedStream, binCount: number) {
    this.#meter = new SpectrumColumns(record.format, binCount, (start, levels) => {
      this.#columns.push({ start, levels });
      if (this.#columns.length > maxColumnCount) this.#columns.shift();
    });
  }

  take(samples: Int16Array, at: number, { isSkip }: Break): void {
    // What is left out can be asked for as the past.
    if (!this.#hasBegun || isSkip) this.#meter.begin(at);
    this.#hasBegun = true;
    this.#meter.push(samples, at);
  }

  /** What is left is a piece of a column. */
  end(): void {}

  /** What was gathered, cut where columns do not follow each other. */
  takeRuns(): readonly ColumnRun[] {
    const columns = this.#columns;
    this.#columns = [];
    return joinColumns(columns, this.#meter.columnSamples);
  }
}
