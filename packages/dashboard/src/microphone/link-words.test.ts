import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SessionState } from "@eet/client";
import { describeLink } from "./link-words.ts";

describe("describeLink", () => {
  const waiting = { kind: "waiting", untilMs: 4_200, reason: { kind: "dropped", cause: undefined } } as const;

  const of = (state: SessionState) => ({ state, isEarlierPart: false });

  it("tells of a lost connection what is held and when it is tried again", () => {
    const { tone, text } = describeLink(of(waiting), 12, 600, 1_000);
    assert.equal(tone, "waiting");
    assert.equal(text, "No connection, trying again in 4 s. Nothing is lost: 12.0\u00a0s of at most 10:00 wait here.");
  });

  it("tells of the end whether all was delivered", () => {
    const result = { kind: "complete", delivery: "acked", unacknowledgedFrameCount: 0, last: undefined } as const;
    assert.equal(describeLink(of({ kind: "closed", result }), 0, 600, 0).tone, "good");
    assert.equal(describeLink(of({ kind: "closed", result: { ...result, kind: "refused" } }), 0, 600, 0).tone, "bad");
    assert.match(
      describeLink(of({ kind: "finishing", link: waiting }), 3, 600, 0).text,
      /^Delivering what is left\. No conn/,
    );
  });

  it("never says all while anything is held, or where something was lost", () => {
    const result = { kind: "complete", delivery: "acked", unacknowledgedFrameCount: 0, last: undefined } as const;
    const held = describeLink(of({ kind: "closed", result }), 10.4, 600, 0);
    assert.deepEqual(held, { tone: "waiting", text: "Delivering what is left" });
    const dropped = { ...result, unacknowledgedFrameCount: 3 };
    assert.doesNotMatch(describeLink(of({ kind: "closed", result: dropped }), 0, 600, 0).text, /^All/);
  });

  it("tells of an earlier part that has no connection while what is recorded now has one", () => {
    const { tone, text } = describeLink({ state: waiting, isEarlierPart: true }, 10.4, 600, 1_000);
    assert.equal(tone, "waiting");
    assert.match(
      text,
      /^An earlier part is still to be delivered\. No connection, trying again in 4 s\. Nothing is lost/,
    );
  });
});
