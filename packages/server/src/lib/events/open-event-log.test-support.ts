import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Catalog } from "../catalog/catalog.ts";
import { openCatalog } from "../catalog/sqlite-catalog.ts";
import type { Clock, MonotonicMs, WallMs } from "../kernel/clock.ts";
import { silentLog } from "../kernel/log.ts";
import type { NewEvent } from "../kernel/server-event.ts";

/** A clock that stands still unless it is told. */
export class FakeClock implements Clock {
  nowMs = Date.UTC(2026, 0, 1);

  wallMs(): WallMs {
    return this.nowMs as WallMs;
  }

  monotonicMs(): MonotonicMs {
    return this.nowMs as MonotonicMs;
  }
}

/** A real catalogue in a folder of its own, for its log of events and its queue of deliveries. */
export class TestCatalog implements AsyncDisposable {
  readonly clock: FakeClock;
  readonly #folder: string;
  catalog: Catalog;

  private constructor(folder: string, catalog: Catalog, clock: FakeClock) {
    this.#folder = folder;
    this.catalog = catalog;
    this.clock = clock;
  }

  static async open(): Promise<TestCatalog> {
    const folder = await mkdtemp(join(tmpdir(), "eet-events-"));
    const clock = new FakeClock();
    return new TestCatalog(folder, await openIn(folder, clock), clock);
  }

  /** As the next run of a server finds it. */
  async reopen(): Promise<void> {
    await this.catalog.close();
    this.catalog = await openIn(this.#folder, this.clock);
  }

  /** Writes a `device.online` for each device, with its place in the list as stream id. */
  append(...hwids: readonly (string | null)[]): Promise<void> {
    const toEvent = (hwid: string | null, index: number): NewEvent => ({
      type: "device.online",
      hwid,
      data: { stream_id: index },
    });
    return this.catalog.events.append(hwids.map(toEvent));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.catalog.close();
    await rm(this.#folder, { recursive: true });
  }
}

function openIn(folder: string, clock: Clock): Promise<Catalog> {
  return openCatalog({ path: join(folder, "catalog.db"), log: silentLog, clock });
}
