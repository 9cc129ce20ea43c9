import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import fc from "fast-check";
import { facts, payloadOf, readAll, SpoolBench, systemError } from "./spool.test-support.ts";
import type { Journal, Spool, SpooledFrame } from "./spool.ts";

const options = { maxBytes: 65_536, fileBytes: 2_000, syncIntervalMs: 5 };

/** What the crash does to the end of the last file. */
type Tail = { readonly kind: "whole" } | { readonly kind: "cut" | "zero"; readonly byteCount: number };

type Command =
  | { readonly kind: "append"; readonly count: number; readonly skip: number; readonly byteCount: number }
  | { readonly kind: "acknowledge"; readonly part: number }
  | { readonly kind: "drop"; readonly byteCount: number }
  | { readonly kind: "read"; readonly part: number }
  | { readonly kind: "fail"; readonly operation: "create" | "write" | "sync"; readonly code: string }
  | { readonly kind: "crash"; readonly tail: Tail }
  | { readonly kind: "flush" | "turn" | "reopen" };

const tails: fc.Arbitrary<Tail> = fc.oneof(
  fc.constant({ kind: "whole" as const }),
  fc.record({ kind: fc.constantFrom("cut" as const, "zero" as const), byteCount: fc.nat(300) }),
);

const commands: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      count: fc.integer({ min: 1, max: 40 }),
      skip: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.nat(3)),
      byteCount: fc.oneof(fc.nat(200), fc.nat(3_000)),
    }),
  },
  // Beyond 1: the server has frames that this process never wrote.
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("acknowledge" as const),
      part: fc.double({ min: 0, max: 1.02, noNaN: true }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("drop" as const), byteCount: fc.nat(5_000) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("read" as const), part: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("fail" as const),
      operation: fc.constantFrom("create" as const, "write" as const, "sync" as const),
      code: fc.constantFrom("EIO", "ENOSPC"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("crash" as const), tail: tails }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom("flush" as const, "turn" as const, "reopen" as const) }) },
);

/** A journal beside the list of frames that it should hold. */
class Model {
  readonly #bench: SpoolBench;
  #spool: Spool;
  #journal: Journal;
  #folder: string;
  /** Accepted, oldest first; acknowledged ones may stand in front. */
  #frames: SpooledFrame[] = [];
  #acknowledgedSeq = 0;
  #hasGaps = false;
  /** A fault was injected: appends may be refused, flushes may fail. */
  #isFaulty = false;

  private constructor(bench: SpoolBench, spool: Spool, journal: Journal) {
    this.#bench = bench;
    this.#folder = bench.folder;
    this.#spool = spool;
    this.#journal = journal;
  }

  static async create(bench: SpoolBench): Promise<Model> {
    const spool = await bench.open(options);
    return new Model(bench, spool, await spool.createJournal(facts));
  }

  get #held(): SpooledFrame[] {
    return this.#frames.filter(({ seq }) => seq >= this.#acknowledgedSeq);
  }

  async run(command: Command): Promise<void> {
    switch (command.kind) {
      case "append":
        return this.#append(command.count, command.skip, command.byteCount);
      case "acknowledge":
        return this.#acknowledge(this.#seqAt(command.part));
      case "drop":
        return this.#drop(command.byteCount);
      case "read": {
        const fromSeq = this.#seqAt(command.part);
        assert.deepEqual(
          await readAll(this.#journal, fromSeq),
          this.#held.filter(({ seq }) => seq >= fromSeq),
        );
        return;
      }
      case "fail":
        return this.#failOnce(command.operation, command.code);
      case "flush":
        return this.#flush();
      case "turn":
        return new Promise(setImmediate);
      case "reopen":
        await this.#heal();
        await this.#spool.close();
        return this.#take(await this.#bench.open({ ...options, folder: this.#folder }), this.#journal.oldestSeq, 0);
      case "crash":
        return this.#crash(command.tail);
    }
  }

  #seqAt(part: number): number {
    const { oldestSeq, nextSeq } = this.#journal;
    return oldestSeq + Math.round((nextSeq - oldestSeq) * part);
  }

  #append(count: number, skip: number, byteCount: number): void {
    for (let seq = this.#journal.nextSeq + skip, end = seq + count; seq < end; seq++) {
      const frame = { seq, sampleCount: 480, payload: payloadOf(seq, byteCount) };
      const result = this.#journal.append(seq, frame.sampleCount, frame.payload);
      if (result !== "accepted") {
        const isFull = this.#spool.byteLength + 20 + byteCount > options.maxBytes;
        assert.ok(result === "spool-full" ? isFull : this.#isFaulty && result.startsWith("disk-"), result);
        return;
      }
      if (skip > 0) this.#hasGaps = true;
      this.#frames.push(frame);
    }
  }

  #acknowledge(seq: number): void {
    // What is acknowledged before it is written may never be.
    if (seq > this.#journal.writtenSeq) this.#hasGaps = true;
    this.#journal.acknowledge(seq);
    this.#acknowledgedSeq = Math.max(this.#acknowledgedSeq, seq);
  }

  async #drop(byteCount: number): Promise<void> {
    const countBefore = this.#journal.droppedFrameCount;
    for (const { journal, fromSeq, nextSeq, frameCount } of await this.#spool.dropOldest(byteCount)) {
      assert.equal(journal, this.#journal);
      const gone = this.#held.filter(({ seq }) => seq < nextSeq);
      assert.ok(gone.length > 0 && (gone[0]?.seq ?? 0) >= fromSeq);
      if (!this.#hasGaps) assert.equal(frameCount, gone.length);
      assert.equal(this.#journal.droppedFrameCount, countBefore + frameCount);
      this.#acknowledgedSeq = nextSeq;
    }
  }

  #failOnce(operation: string, code: string): void {
    this.#isFaulty = true;
    let isDue = true;
    this.#bench.disk.before = (tried) => {
      if (tried !== operation || !isDue) return;
      isDue = false;
      throw systemError(code);
    };
  }

  async #flush(): Promise<void> {
    try {
      await this.#journal.flush();
      const next = (this.#frames.at(-1)?.seq ?? -1) + 1;
      assert.ok(this.#journal.syncedSeq >= next && this.#journal.writtenSeq >= next);
    } catch (error) {
      if (!this.#isFaulty) throw error;
    }
  }

  async #heal(): Promise<void> {
    this.#bench.disk.heal();
    await this.#journal.flush();
    this.#isFaulty = false;
  }

  /** Goes on with what a crash at this moment leaves. */
  async #crash(tail: Tail): Promise<void> {
    const { writtenSeq } = this.#journal;
    const folder = this.#bench.copy(this.#folder);
    const path = (await this.#bench.filePaths(folder)).at(-1);
    let lostCount = 0;
    if (tail.kind !== "whole" && path !== undefined) {
      const bytes = await readFile(path);
      const keptBytes = Math.max(0, bytes.byteLength - tail.byteCount);
      if (tail.kind === "cut") await writeFile(path, bytes.subarray(0, keptBytes));
      else await writeFile(path, bytes.fill(0, keptBytes));
      // The shortest record has 20 bytes.
      lostCount = Math.ceil(tail.byteCount / 20);
    }
    const old = this.#spool;
    await this.#take(await this.#bench.open({ ...options, folder }), writtenSeq, lostCount);
    this.#bench.disk.heal();
    this.#isFaulty = false;
    await old.close();
    this.#folder = folder;
  }

  /** Compares what a fresh process finds: at least what was written, less what the crash cut off. */
  async #take(spool: Spool, writtenSeq: number, lostCount: number): Promise<void> {
    const [journal] = spool.journals;
    assert.ok(journal);
    const frames = await readAll(journal);
    const needed = this.#held.filter(({ seq }) => seq < writtenSeq);
    const from = this.#frames.findIndex(({ seq }) => seq === frames[0]?.seq);
    assert.deepEqual(frames, frames.length === 0 ? [] : this.#frames.slice(from, from + frames.length));
    const found = frames.filter(({ seq }) => seq >= this.#acknowledgedSeq && seq < writtenSeq);
    assert.ok(found.length >= needed.length - lostCount, `${found.length} of ${needed.length}, ${lostCount} cut`);
    assert.deepEqual(found, needed.slice(0, found.length));
    this.#spool = spool;
    this.#journal = journal;
    this.#frames = frames;
    this.#acknowledgedSeq = 0;
    // A gap in front of what is read counts, too: its file is kept, and counted in proportion, as long as one frame of it is.
    if (frames.length > 0) this.#hasGaps ||= (frames.at(-1)?.seq ?? 0) - (frames[0]?.seq ?? 0) + 1 !== frames.length;
  }

  check(): void {
    const held = this.#held;
    const { oldestSeq, nextSeq, writtenSeq, syncedSeq, frameCount, sampleCount, byteLength } = this.#journal;
    assert.ok(oldestSeq <= (held[0]?.seq ?? nextSeq) && oldestSeq >= Math.min(this.#acknowledgedSeq, nextSeq));
    assert.ok(nextSeq >= Math.max(this.#acknowledgedSeq, (this.#frames.at(-1)?.seq ?? -1) + 1));
    assert.ok(syncedSeq <= writtenSeq && writtenSeq <= nextSeq);
    assert.equal(byteLength, this.#spool.byteLength);
    // 40 bytes for the mark of each file; a file has 20 bytes or more.
    assert.ok(byteLength <= options.maxBytes * 3);
    if (this.#hasGaps) return;
    assert.deepEqual([frameCount, sampleCount], [held.length, held.length * 480]);
  }
}

describe("a spool", () => {
  it("holds what a list would hold, through crashes, cuts, faults and restarts", { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(commands, { minLength: 5, maxLength: 60, size: "max" }), async (list) => {
        const bench = await SpoolBench.create();
        try {
          const model = await Model.create(bench);
          for (const command of [...list, { kind: "read", part: 0 } as const, { kind: "reopen" } as const]) {
            await model.run(command);
            model.check();
          }
        } finally {
          await bench.close();
        }
      }),
      // A disk that is slow now ends the runs early; one run that takes so long hangs, and its seed tells which.
      { numRuns: 12, interruptAfterTimeLimit: 60_000, timeout: 120_000, endOnFailure: true },
    );
  });
});
