import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FakeClock } from "./fake-clock.test-support.ts";
import { JournalWriter, type JournalWriterOptions } from "./journal-writer.ts";
import type { AppendResult, Journal } from "./spool.ts";
import { SpoolError } from "./spool-error.ts";

/** As much of a journal as a writer uses, doing what the test says. */
class TestJournal {
  readonly appended: number[] = [];
  readonly payloadBytes: number[] = [];
  readonly sessions: bigint[] = [];
  acknowledgedSeq = 0;
  removeCount = 0;
  result: AppendResult = "accepted";
  saving: Promise<void> = Promise.resolve();
  room = Promise.withResolvers<void>();

  append(seq: number, _sampleCount: number, payload: Uint8Array): AppendResult {
    if (this.result === "accepted") {
      this.appended.push(seq);
      this.payloadBytes.push(payload.byteLength);
    }
    return this.result;
  }

  acknowledge(seq: number): void {
    this.acknowledgedSeq = seq;
  }

  waitForRoom(): Promise<void> {
    return this.room.promise;
  }

  setSession(session: bigint): Promise<void> {
    this.sessions.push(session);
    return this.saving;
  }

  async remove(): Promise<void> {
    this.removeCount += 1;
  }
}

const frame = { message: new Uint8Array(12 + 30), sampleCount: 15, captured: { captureMs: 0, captureUs: 0 } };

function makeWriter(options: Partial<JournalWriterOptions> = {}) {
  const journal = new TestJournal();
  const clock = new FakeClock();
  let wake = () => {};
  const writer = new JournalWriter({
    create: async () => journal as unknown as Journal,
    clock,
    onChange: () => wake(),
    ...options,
  });
  const changed = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  return { journal, clock, writer, changed };
}

describe("JournalWriter", () => {
  it("makes the journal for the first frame, and appends the payloads of those that came meanwhile", async () => {
    const firsts: number[] = [];
    const journal = new TestJournal();
    const { writer, changed } = makeWriter({
      create: async ({ seq }) => {
        firsts.push(seq);
        return journal as unknown as Journal;
      },
    });
    assert.equal(writer.isCaughtUp, false);
    writer.push(5, frame);
    writer.push(6, frame);
    assert.deepEqual([writer.waitingCount, writer.waitingBytes, writer.waitingSampleCount], [2, 84, 30]);
    await changed();
    writer.push(7, frame);
    assert.deepEqual([firsts, journal.appended, journal.payloadBytes], [[5], [5, 6, 7], [30, 30, 30]]);
    assert.deepEqual([writer.isCaughtUp, writer.waitingBytes], [true, 0]);
  });

  it("keeps what the journal refuses, in order, and goes on when there is room", async () => {
    const { writer, journal, changed } = makeWriter();
    journal.result = "spool-full";
    writer.push(0, frame);
    await changed();
    writer.push(1, frame);
    assert.deepEqual([writer.refusal, writer.waitingCount, writer.isCaughtUp], ["spool-full", 2, false]);
    journal.result = "accepted";
    const wentOn = changed();
    journal.room.resolve();
    await wentOn;
    assert.deepEqual([journal.appended, writer.refusal, writer.isCaughtUp], [[0, 1], undefined, true]);
  });

  it("passes over what is delivered before it could be written", async () => {
    const { writer, journal, changed } = makeWriter();
    for (const seq of [0, 1, 2]) writer.push(seq, frame);
    writer.acknowledge(2);
    await changed();
    assert.deepEqual(journal.appended, [2]);
    writer.acknowledge(3);
    assert.equal(journal.acknowledgedSeq, 3);
  });

  it("tells when the session's name is on the disk", async () => {
    const { writer, journal, changed } = makeWriter();
    assert.equal(writer.isSessionSafe, true, "there is none yet");
    writer.setSession(7n);
    assert.equal(writer.isSessionSafe, false);
    const saving = Promise.withResolvers<void>();
    journal.saving = saving.promise;
    writer.push(0, frame);
    await Promise.resolve();
    assert.equal(writer.isSessionSafe, false);
    const saved = changed();
    saving.resolve();
    await saved;
    assert.deepEqual([writer.isSessionSafe, journal.sessions], [true, [7n]]);
    writer.setSession(7n);
    assert.equal(writer.isSessionSafe, true);
    const savedAgain = changed();
    writer.setSession(8n);
    assert.equal(writer.isSessionSafe, false);
    await savedAgain;
    assert.deepEqual([writer.isSessionSafe, journal.sessions], [true, [7n, 8n]]);
  });

  it("lets frames go when there can be no journal, and asks for one again every 5 s", async () => {
    let attemptCount = 0;
    const journal = new TestJournal();
    const { writer, clock, changed } = makeWriter({
      create: async () => {
        attemptCount += 1;
        if (attemptCount < 3) throw new SpoolError("SPOOL_DISK_FULL", "no room");
        return journal as unknown as Journal;
      },
    });
    writer.setSession(7n);
    writer.push(0, frame);
    await changed();
    assert.deepEqual([writer.isSessionSafe, writer.isCaughtUp], [true, false]);
    writer.push(1, frame);
    assert.equal(attemptCount, 1);
    for (const attempt of [2, 3]) {
      const tried = changed();
      clock.advance(5_000);
      await tried;
      assert.equal(attemptCount, attempt);
    }
    assert.deepEqual([journal.appended, journal.sessions], [[0, 1], [7n]]);
    assert.equal(clock.timerCount, 0);
  });

  it("tries nothing again once it is stopped", async () => {
    const { writer, clock, changed } = makeWriter({ create: () => Promise.reject(new Error("no")) });
    writer.push(0, frame);
    await changed();
    assert.equal(clock.timerCount, 1);
    writer.stop();
    assert.equal(clock.timerCount, 0);
  });

  it("deletes a journal that is still being made", async () => {
    const { writer, journal } = makeWriter();
    writer.push(0, frame);
    await writer.discard();
    assert.equal(journal.removeCount, 1);
  });
});
