import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeLink } from "./link-words.ts";

describe("describeLink", () => {
  const waiting = { kind: "waiting", untilMs: 4_200, reason: { kind: "dropped", cause: undefined } } as const;

  it("tells of a lost connection what is held and when it is tried again", () => {
    const { tone, text } = describeLink(waiting, 12, 600, 1_000);
    assert.equal(tone, "waiting");
    assert.equal(text, "No connection, trying again in 4 s. Nothing is lost: 12.0\u00a0s of at most 10:00 wait here.");
  });

  it("tells of the end whether all was delivered", () => {
    const result = { kind: "complete", delivery: "acked", unacknowledgedFrameCount: 0, last: undefined } as const;
    assert.equal(describeLink({ kind: "closed", result }, 0, 600, 0).tone, "good");
    assert.equal(describeLink({ kind: "closed", result: { ...result, kind: "refused" } }, 0, 600, 0).tone, "bad");
    assert.match(
      describeLink({ kind: "finishing", link: waiting }, 3, 600, 0).text,
      /^Delivering what is left\. No conn/,
    );
  });
});
