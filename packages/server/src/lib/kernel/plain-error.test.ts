import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LimitError, StorageError } from "./errors.ts";
import { fromPlainError, toPlainError } from "./plain-error.ts";

describe("fromPlainError", () => {
  it("makes the error that was made plain, with its row and class", () => {
    for (const error of [new LimitError("RECOVERING", "not yet"), new StorageError("STORAGE_FULL", "no room")]) {
      const made = fromPlainError(structuredClone(toPlainError(error)));
      assert.equal(made.constructor, error.constructor);
      assert.deepEqual([made.message, "code" in made && made.code], [error.message, error.code]);
    }
  });

  it("makes a plain Error of what is not the server's own", () => {
    const made = fromPlainError(toPlainError(new TypeError("a defect")));
    assert.deepEqual([made.constructor, made.message], [Error, "a defect"]);
  });
});
