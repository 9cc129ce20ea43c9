import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Catalog } from "../catalog/catalog.ts";
import { finishedSegment } from "../catalog/finished-segment.test-support.ts";
import { openCatalog } from "../catalog/sqlite-catalog.ts";
import { type Clock, type MonotonicMs, systemClock, type WallMs } from "../kernel/clock.ts";
import { segmentFileKinds } from "../kernel/finished-segment.ts";
import { silentLog } from "../kernel/log.ts";
import { sha256Of } from "./object-store.test-support.ts";

/** The system's clock, or ahead of it. */
export class AheadClock implements Clock {
  aheadMs = 0;

  wallMs(): WallMs {
    return (systemClock.wallMs() + this.aheadMs) as WallMs;
  }

  monotonicMs(): MonotonicMs {
    return (systemClock.monotonicMs() + this.aheadMs) as MonotonicMs;
  }
}

/** A data folder with segments of random bytes, and its catalogue. */
export class Recordings {
  readonly receivedFolder: string;
  readonly catalog: Catalog;
  /** The catalogue's. */
  readonly clock: AheadClock;
  readonly #folder: string;

  private constructor(folder: string, catalog: Catalog, clock: AheadClock) {
    this.clock = clock;
    this.#folder = folder;
    this.receivedFolder = join(folder, "received");
    this.catalog = catalog;
  }

  static async open(): Promise<Recordings> {
    const folder = await mkdtemp(join(tmpdir(), "uploader-"));
    const clock = new AheadClock();
    return new Recordings(
      folder,
      await openCatalog({ path: join(folder, "catalog.db"), log: silentLog, clock }),
      clock,
    );
  }

  /**
   * Records a segment and queues its three files.
   * @returns keys of their objects, prefix `received`
   */
  async add(index: number, isBackfill: boolean = false): Promise<readonly string[]> {
    const draft = finishedSegment({ index });
    const { name, hwid } = draft.sidecar;
    const contents = { bin: randomBytes(8600), wav: randomBytes(32_080), json: randomBytes(150) };
    await mkdir(join(this.receivedFolder, draft.folder), { recursive: true });
    for (const kind of segmentFileKinds) await writeFile(this.pathOf(index, kind), contents[kind]);
    const factsOf = (bytes: Buffer) => ({ bytes: bytes.length, sha256: sha256Of(bytes) });
    const sidecar = { ...draft.sidecar, files: { bin: factsOf(contents.bin), wav: factsOf(contents.wav) } };
    const { bytes: sidecarBytes, sha256: sidecarSha256 } = factsOf(contents.json);
    const segment = { ...draft, sidecar, sidecarBytes, sidecarSha256 };
    await this.catalog.addSegment(segment, segmentFileKinds, { isBackfill });
    return segmentFileKinds.map((kind) => `received/${hwid}/${name}.${kind}`);
  }

  /** Path of a file of a segment. */
  pathOf(index: number, kind: string): string {
    const { folder, sidecar } = finishedSegment({ index });
    return join(this.receivedFolder, folder, `${sidecar.name}.${kind}`);
  }

  async remove(): Promise<void> {
    await this.catalog.close();
    await rm(this.#folder, { recursive: true });
  }
}
