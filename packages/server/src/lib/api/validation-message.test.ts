import assert from "node:assert/strict";
import { describe, it } from "node:test";
import Type from "typebox";
import { Value } from "typebox/value";
import { type ParameterSchema, type ValidationFault, validationMessage } from "./validation-message.ts";

const Query = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    order: Type.Optional(Type.Enum(["asc", "desc"])),
    has_gaps: Type.Optional(Type.Boolean()),
    reason: Type.String({ minLength: 1, description: "why, for people" }),
  },
  { additionalProperties: false },
);

function messageFor(value: object): string {
  const faults = Value.Errors(Query, value) as unknown as readonly ValidationFault[];
  return validationMessage(faults, Query as ParameterSchema, value);
}

describe("validationMessage", () => {
  it("names the field, what was received and what is allowed", () => {
    assert.equal(messageFor({ reason: "x", limit: 5000 }), "limit is 5000; allowed: an integer from 1 to 1000");
    assert.equal(messageFor({ reason: "x", order: "up" }), 'order is "up"; allowed: asc, desc');
    assert.equal(messageFor({ reason: "x", has_gaps: "maybe" }), 'has_gaps is "maybe"; allowed: true or false');
    assert.equal(messageFor({ reason: "" }), 'reason is ""; allowed: why, for people');
  });

  it("names unknown fields and missing ones", () => {
    assert.equal(
      messageFor({ reason: "x", lmit: 5 }),
      '"lmit" is no parameter here; allowed: limit, order, has_gaps, reason',
    );
    assert.equal(messageFor({}), "reason is missing; allowed: why, for people");
  });

  it("tells of several faults at once, and quotes no more than a little", () => {
    const message = messageFor({ reason: "x", limit: 0, order: "x".repeat(1000) });
    assert.match(message, /^limit is 0; allowed: .+; and order is "x{59}; allowed: asc, desc$/);
  });

  it("says what is nested deeper than can be quoted", () => {
    const deep: unknown = JSON.parse("[".repeat(30_000) + "]".repeat(30_000));
    assert.equal(
      messageFor({ reason: "x", limit: deep }),
      "limit is a deeply nested value; allowed: an integer from 1 to 1000",
    );
  });
});
