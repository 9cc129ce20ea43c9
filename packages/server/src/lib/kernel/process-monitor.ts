import { monitorEventLoopDelay } from "node:perf_hooks";

const nsPerS = 1e9;
/** How often the event loop is looked at. */
const resolutionMs = 20;

/** What the process itself uses. */
export interface ProcessFigures {
  /** User and system. */
  readonly cpuS: number;
  readonly residentBytes: number;
  readonly heapUsedBytes: number;
  readonly externalBytes: number;
  /** Since 1970. */
  readonly startS: number;
  /** Since the last {@link ProcessMonitor.read}. */
  readonly eventLoopDelay: { readonly p50S: number; readonly p99S: number; readonly maxS: number };
}

/** Watches the process from its making until it is closed. */
export class ProcessMonitor {
  readonly #delay = monitorEventLoopDelay({ resolution: resolutionMs });

  constructor() {
    this.#delay.enable();
  }

  /** What it uses now; begins a new span for the delay of the event loop. */
  read(): ProcessFigures {
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed, external } = process.memoryUsage();
    const delay = this.#delay;
    // What is measured is the time between two looks, which is the resolution when nothing is late.
    const lateS = (ns: number) => Math.max(0, ns / nsPerS - resolutionMs / 1000);
    const eventLoopDelay =
      delay.count === 0
        ? { p50S: 0, p99S: 0, maxS: 0 }
        : { p50S: lateS(delay.percentile(50)), p99S: lateS(delay.percentile(99)), maxS: lateS(delay.max) };
    delay.reset();
    return {
      cpuS: (user + system) / 1e6,
      residentBytes: rss,
      heapUsedBytes: heapUsed,
      externalBytes: external,
      startS: performance.timeOrigin / 1000,
      eventLoopDelay,
    };
  }

  close(): void {
    this.#delay.disable();
  }
}
