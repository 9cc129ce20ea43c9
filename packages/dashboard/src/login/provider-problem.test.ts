import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeProblem } from "./provider-problem.ts";

describe("describeProblem", () => {
  it("names the provider and whom to ask", () => {
    const facts = { name: "Example", contact: "it@example.org" };
    assert.match(describeProblem("PERSON_REFUSED", facts), /Example knows you.* Ask it@example\.org/);
    assert.match(describeProblem("PERSON_REFUSED", { ...facts, contact: null }), /Ask whoever runs this server/);
    for (const code of ["OIDC_UNREACHABLE", "OIDC_FAILED"]) assert.match(describeProblem(code, facts), /Example/);
  });

  it("shows nothing of what it does not know", () => {
    assert.doesNotMatch(describeProblem("call 0900-EVIL", { name: "Example", contact: null }), /EVIL/);
  });
});
