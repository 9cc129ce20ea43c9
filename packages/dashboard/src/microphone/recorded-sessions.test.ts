import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { LinkState, Session, SessionProgress, SessionResult, SessionState } from "@eet/client";
import { RecordedSessions } from "./recorded-sessions.ts";

const rateHz = 16_000;
const open: LinkState = { kind: "open", delivery: "acked" };
const reason = { kind: "dropped", cause: undefined } as const;
const waiting = (untilMs: number): LinkState => ({ kind: "waiting", untilMs, reason });
const complete: SessionResult = { kind: "complete", delivery: "acked", unacknowledgedFrameCount: 0, last: undefined };

/** A session whose connection is the test's. */
class FakeSession {
  writtenCount = 0;
  durableCount = 0;
  connectCount = 0;
  isFinishing = false;
  result: SessionResult | undefined;
  readonly #ended = Promise.withResolvers<SessionResult>();
  readonly #onState: (state: SessionState) => void;
  #link: LinkState = { kind: "connecting", attempt: 0 };

  constructor(onState: (state: SessionState) => void) {
    this.#onState = onState;
  }

  get state(): SessionState {
    if (this.result !== undefined) return { kind: "closed", result: this.result };
    return this.isFinishing ? { kind: "finishing", link: this.#link } : this.#link;
  }

  get progress(): SessionProgress {
    const amount = (sampleCount: number) => ({ frameCount: sampleCount / 320, sampleCount });
    const held = this.writtenCount - this.durableCount;
    return {
      written: amount(this.writtenCount),
      sent: amount(this.durableCount),
      durable: amount(this.durableCount),
      dropped: amount(0),
      uploaded: undefined,
      buffered: { ...amount(held), byteCount: held * 2, audioS: held / rateHz },
      backlog: undefined,
      reconnectCount: 0,
      isSlowedDown: false,
    };
  }

  link(link: LinkState): void {
    this.#link = link;
    this.#onState(this.state);
  }

  end(result: SessionResult): void {
    this.result = result;
    this.#ended.resolve(result);
    this.#onState(this.state);
  }

  write(pcm: Int16Array): undefined {
    this.writtenCount += pcm.length;
  }

  connectNow(): void {
    this.connectCount += 1;
    if (this.#link.kind === "waiting") this.link({ kind: "connecting", attempt: 1 });
  }

  finish(): Promise<SessionResult> {
    this.isFinishing = true;
    return this.#ended.promise;
  }

  abort(): void {
    this.end({ ...complete, kind: "aborted" });
  }
}

/** A recording of `pieceS` each at these times, s. */
function record(...startsS: readonly number[]) {
  const made: FakeSession[] = [];
  const sessions = new RecordedSessions({
    rateHz,
    open: (_startMs, onState) => {
      const session = new FakeSession(onState);
      made.push(session);
      return session as unknown as Session;
    },
    onState: () => {},
  });
  for (const startS of startsS) {
    const samples = new Int16Array(rateHz);
    sessions.sessionAt(startS * 1000).write(samples);
    sessions.note(samples.length, (startS + 1) * 1000, 0);
  }
  const [older, newer] = made;
  if (older === undefined) throw new Error("nothing was recorded");
  return { sessions, made, older, newer: newer ?? older };
}

describe("RecordedSessions", () => {
  it("goes on in one session, and in another behind a step of the clock", () => {
    assert.equal(record(10, 11, 12.9).made.length, 1);
    const { made, older, newer } = record(10, 11, 14.1);
    assert.equal(made.length, 2);
    assert.deepEqual([older.isFinishing, newer.isFinishing], [true, false]);
  });

  it("tells of the older one, too, as long as it owes something", () => {
    const { sessions, older, newer } = record(10, 20);
    older.link(waiting(42_000));
    newer.link(open);
    older.link(waiting(43_000));
    assert.deepEqual(sessions.report, { state: waiting(43_000), isEarlierPart: true });
    newer.durableCount = newer.writtenCount;
    void sessions.finish();
    newer.end(complete);
    older.link(waiting(44_000));
    assert.deepEqual(sessions.report, { state: { kind: "finishing", link: waiting(44_000) }, isEarlierPart: false });
    assert.equal(sessions.amounts?.heldS, 1);
    older.durableCount = older.writtenCount;
    older.end(complete);
    assert.deepEqual(sessions.report, { state: { kind: "closed", result: complete }, isEarlierPart: false });
  });

  it("tells of the one that waits longest, and of an ending that was none", () => {
    const { sessions, older, newer } = record(10, 20);
    newer.link(waiting(42_000));
    older.link(waiting(41_000));
    assert.deepEqual(sessions.report, { state: waiting(42_000), isEarlierPart: false });
    void sessions.finish();
    older.abort();
    newer.end(complete);
    assert.deepEqual(sessions.report?.state, { kind: "closed", result: { ...complete, kind: "aborted" } });
  });

  it("makes those that wait connect as soon as one has a connection, and all when it is to finish", () => {
    const { sessions, older, newer } = record(10, 20);
    older.link(waiting(42_000));
    assert.equal(older.connectCount, 0);
    newer.link(open);
    assert.deepEqual([older.connectCount, newer.connectCount], [1, 0]);
    assert.deepEqual(older.state, { kind: "finishing", link: { kind: "connecting", attempt: 1 } });
    older.link(open);
    assert.deepEqual([older.connectCount, newer.connectCount], [1, 1]);
    older.link(waiting(50_000));
    void sessions.finish();
    assert.deepEqual(older.state, { kind: "finishing", link: { kind: "connecting", attempt: 1 } });
  });
});
