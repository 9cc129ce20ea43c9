import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SessionResult } from "@eet/client";
import { describeFailure } from "./refusal-words.ts";

const refused = (code: number): SessionResult => ({
  ...{ kind: "refused", delivery: undefined, unacknowledgedFrameCount: 3 },
  last: { kind: "closed-by-server", code, reason: "" },
});

describe("describeFailure", () => {
  it("says of a refused token or login what is wrong with it, and what to do", () => {
    assert.match(describeFailure(refused(4401), "phone", true).text, /does not take the token.*Enter another/);
    const { text, needsLogin } = describeFailure(refused(4401), "phone", false);
    assert.match(text, /login has ended.*Log in/);
    assert.equal(needsLogin, true);
    assert.match(describeFailure(refused(4403), "phone", true).text, /not for phone/);
    assert.match(describeFailure(refused(4403), "phone", false).text, /role may not/);
  });

  it("leaves the rest to the SDK", () => {
    assert.match(describeFailure(refused(4409), "phone", true).text, /newer connection/);
  });
});
