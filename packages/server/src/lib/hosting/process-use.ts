import { monitorEventLoopDelay } from "node:perf_hooks";
import type { ProcessUse } from "./ingest-host.ts";

/** How often the event loop is looked at. */
const resolutionMs = 20;

/** Watches what this process uses, from its making on. */
export class ProcessUseMeter {
  readonly #delay = monitorEventLoopDelay({ resolution: resolutionMs });

  constructor() {
    this.#delay.enable();
  }

  /** What it uses now; begins a new span for the delay of the event loop. */
  read(): ProcessUse {
    const { user, system } = process.cpuUsage();
    // What is measured is the time between two looks, which is the resolution when nothing is late.
    const loopDelayMs = this.#delay.count === 0 ? 0 : Math.max(0, this.#delay.max / 1e6 - resolutionMs);
    this.#delay.reset();
    return { cpuS: (user + system) / 1e6, residentBytes: process.memoryUsage.rss(), loopDelayMs };
  }
}
