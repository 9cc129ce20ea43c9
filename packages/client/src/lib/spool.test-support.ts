import { copyFileSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Journal, JournalFacts, Spool, SpooledFrame, SpoolOptions } from "./spool.ts";
import type { SpoolError } from "./spool-error.ts";
import { type AppendFile, createAppendFile } from "./spool-file-store.ts";
import { openSpool } from "./spool-store.ts";

export const facts: JournalFacts = {
  hwid: "device-1",
  streamId: 7,
  format: { codec: "adpcm", sampleRateHz: 16_000, channels: 1, frameSampleCount: 480 },
  startMs: 1_700_000_000_000,
  nibbleOrder: "low",
};

export const frameSampleCount = 480;

/** A payload that is like no other: 0 to 299 bytes that follow from the seq. */
export function payloadOf(seq: number, byteCount: number = (seq * 37) % 300): Uint8Array {
  return Uint8Array.from({ length: byteCount }, (_, index) => (seq * 31 + index * 7 + Math.floor(seq / 256)) & 0xff);
}

/** Appends frames `from` to `to - 1`. @returns how many were accepted */
export function appendFrames(journal: Journal, from: number, to: number, byteCount?: number): number {
  for (let seq = from; seq < to; seq++) {
    if (journal.append(seq, frameSampleCount, payloadOf(seq, byteCount)) !== "accepted") return seq - from;
  }
  return to - from;
}

/** The frames as {@link appendFrames} gives them. */
export function expectedFrames(from: number, to: number, byteCount?: number): SpooledFrame[] {
  return Array.from({ length: to - from }, (_, index) => ({
    seq: from + index,
    sampleCount: frameSampleCount,
    payload: payloadOf(from + index, byteCount),
  }));
}

/** All frames, with payloads that compare. */
export async function readAll(journal: Journal, fromSeq?: number): Promise<SpooledFrame[]> {
  const frames: SpooledFrame[] = [];
  for await (const { payload, ...rest } of journal.frames(fromSeq)) {
    frames.push({ ...rest, payload: new Uint8Array(payload) });
  }
  return frames;
}

export async function readSeqs(journal: Journal, fromSeq?: number): Promise<number[]> {
  return (await readAll(journal, fromSeq)).map(({ seq }) => seq);
}

/** Whole numbers `from` to `to - 1`. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

/** A folder with a spool in it, and what it reports. Everything opened is closed by {@link close}. */
export class SpoolBench {
  readonly root: string;
  readonly errors: SpoolError[] = [];
  readonly disk = new TestDisk();
  readonly #spools: Spool[] = [];
  #copyCount = 0;

  private constructor(root: string) {
    this.root = root;
  }

  static async create(): Promise<SpoolBench> {
    return new SpoolBench(await mkdtemp(join(tmpdir(), "eet-spool-")));
  }

  get folder(): string {
    return join(this.root, "spool");
  }

  async open(options: Partial<SpoolOptions> = {}): Promise<Spool> {
    const onError = (error: SpoolError) => this.errors.push(error);
    const spool = await openSpool({ folder: this.folder, onError, ...options }, this.disk.create);
    this.#spools.push(spool);
    return spool;
  }

  /**
   * The folder as a crash at this moment would leave it. The spool's own file operations go on meanwhile, in threads:
   * when one of them takes a file away from under the copy, the copy is made anew.
   */
  copy(folder: string = this.folder): string {
    for (;;) {
      const target = join(this.root, `copy-${++this.#copyCount}`);
      if (copyTree(folder, target)) return target;
      rmSync(target, { recursive: true });
    }
  }

  /** Paths of the files with frames, in order. */
  async filePaths(folder: string = this.folder): Promise<string[]> {
    const names = await readdir(folder, { recursive: true });
    return names
      .filter((name) => name.endsWith(".frames"))
      .sort()
      .map((name) => join(folder, name));
  }

  /** Codes of what was reported. */
  get errorCodes(): string[] {
    return this.errors.map(({ code }) => code);
  }

  async close(): Promise<void> {
    this.disk.heal();
    for (const spool of this.#spools) await spool.close();
    await rm(this.root, { recursive: true, force: true });
  }
}

/** @returns false when something that was listed was gone before it was copied */
function copyTree(from: string, to: string): boolean {
  mkdirSync(to);
  try {
    return readdirSync(from, { withFileTypes: true }).every((entry) => {
      const [source, target] = [join(from, entry.name), join(to, entry.name)];
      if (entry.isDirectory()) return copyTree(source, target);
      copyFileSync(source, target);
      return true;
    });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
}

type Operation = "create" | "write" | "sync";

/** Real files that count what is done to them, and fail or wait when told to. */
export class TestDisk {
  /** Bytes of each write. */
  readonly writes: number[] = [];
  /** Paths of each sync that was tried. */
  readonly syncs: string[] = [];
  /** Asked before each operation: throws to make it fail, or gives a promise to make it wait. */
  before: (operation: Operation, path: string) => Promise<void> | void = () => {};
  #waiting: { readonly operation: Operation; readonly resolve: () => void }[] = [];

  /** Resolves when an operation of that kind has been done, or has failed. */
  next(operation: Operation): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ operation, resolve }));
  }

  heal(): void {
    this.before = () => {};
  }

  readonly create = async (path: string): Promise<AppendFile> => {
    const file = await this.#do("create", path, () => createAppendFile(path));
    return {
      write: (slices, offset) => {
        const byteCount = slices.reduce((sum, slice) => sum + slice.byteLength, 0);
        this.writes.push(byteCount);
        return this.#do("write", path, () => file.write(slices, offset));
      },
      sync: () => {
        this.syncs.push(path);
        return this.#do("sync", path, () => file.sync());
      },
      close: () => file.close(),
    };
  };

  async #do<T>(operation: Operation, path: string, work: () => Promise<T>): Promise<T> {
    try {
      await this.before(operation, path);
      return await work();
    } finally {
      const done = this.#waiting.filter((entry) => entry.operation === operation);
      this.#waiting = this.#waiting.filter((entry) => entry.operation !== operation);
      for (const { resolve } of done) resolve();
    }
  }
}

/** An error as the system gives it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code });
}
