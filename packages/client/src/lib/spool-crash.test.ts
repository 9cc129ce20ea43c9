import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, it } from "node:test";
import { expectedFrames, facts, readAll, SpoolBench } from "./spool.test-support.ts";

let bench: SpoolBench;

beforeEach(async () => {
  bench = await SpoolBench.create();
});

afterEach(() => bench.close());

/** Appends as fast as the disk takes it, and prints how far frames are written and acknowledged. */
const appender = `
  import { openSpool } from ${JSON.stringify(import.meta.resolve("./spool-store.ts"))};
  import { payloadOf } from ${JSON.stringify(import.meta.resolve("./spool.test-support.ts"))};
  const [folder, fileBytes] = process.argv.slice(1);
  const spool = await openSpool({ folder, fileBytes: Number(fileBytes), onError: (error) => console.error(error) });
  const journal = spool.journals[0] ?? (await spool.createJournal(${JSON.stringify(facts)}));
  for (;;) {
    for (let count = 0; count < 50; count++) journal.append(journal.nextSeq, 480, payloadOf(journal.nextSeq));
    if (journal.nextSeq % 1_000 === 0) journal.acknowledge(Math.max(0, journal.writtenSeq - 500));
    console.log(journal.writtenSeq);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }`;

/** Kills the appender once it has printed `lineCount` numbers after its start. @returns the last one that came out */
async function killAppender(lineCount: number, fileBytes: number): Promise<number> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", appender, bench.folder, String(fileBytes)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  let written = 0;
  let count = 0;
  for await (const line of createInterface(child.stdout)) {
    written = Number(line);
    // What is in the pipe by then counts as well.
    if (++count === lineCount) child.kill("SIGKILL");
  }
  assert.deepEqual((await exited)[1], "SIGKILL");
  return written;
}

describe("a process that is killed while it appends", () => {
  for (const fileBytes of [20_000, 1024 * 1024]) {
    it(`leaves all it said was written, in order, once, in files of ${fileBytes} bytes`, async () => {
      let written = 0;
      for (const lineCount of [60, 150, 90]) {
        written = Math.max(written, await killAppender(lineCount, fileBytes));
        const spool = await bench.open({ fileBytes });
        const [journal] = spool.journals;
        assert.ok(journal);
        const { oldestSeq, nextSeq } = journal;
        assert.ok(nextSeq >= written && written > 0, `${nextSeq} of ${written}`);
        assert.ok(oldestSeq <= Math.max(0, written - 500));
        const frames = await readAll(journal);
        assert.deepEqual(
          frames.map(({ seq }) => seq),
          Array.from({ length: nextSeq - oldestSeq }, (_, index) => oldestSeq + index),
        );
        assert.deepEqual(frames, expectedFrames(oldestSeq, nextSeq));
        assert.equal(journal.frameCount, frames.length);
        await spool.close();
      }
      assert.deepEqual(
        bench.errors.filter(({ code }) => code !== "SPOOL_DAMAGED"),
        [],
      );
    });
  }
});
