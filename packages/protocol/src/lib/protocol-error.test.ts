import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { wireErrors } from "./error-table.ts";
import { ProtocolError } from "./protocol-error.ts";

describe("ProtocolError", () => {
  it("is an Error that knows its row", () => {
    const error = new ProtocolError("FRAME_LENGTH", "length says 4 bytes, the message holds 3");
    assert.ok(error instanceof Error);
    assert.equal(error.name, "ProtocolError");
    assert.equal(error.row, wireErrors.FRAME_LENGTH);
    assert.match(String(error), /^ProtocolError: length says 4/);
  });
});
