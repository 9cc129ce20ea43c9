import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StorageError, UploadError } from "../kernel/errors.ts";
import { describeThrown, restoreThrown } from "./thrown-error.ts";

/** As it comes out on the other side. */
function bring(thrown: unknown): Error {
  return restoreThrown(structuredClone(describeThrown(thrown)));
}

describe("an error brought over between threads", () => {
  it("is of the server's class, with code, message and causes", () => {
    const system = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    const timeout = new Error("late", { cause: system });
    timeout.name = "TimeoutError";
    const error = bring(new UploadError("UPLOAD_UNREACHABLE", "s3://a/b: late", { cause: timeout }));
    assert.ok(error instanceof UploadError);
    assert.deepEqual([error.code, error.message, error.name], ["UPLOAD_UNREACHABLE", "s3://a/b: late", "UploadError"]);
    const cause = error.cause as Error;
    assert.deepEqual([cause.name, cause.message], ["TimeoutError", "late"]);
    assert.equal((cause.cause as NodeJS.ErrnoException).code, "ECONNREFUSED");
    assert.ok(bring(new StorageError("STORAGE_IO", "a file")) instanceof StorageError);
  });

  it("keeps the name and message of any other, and tells what is none", () => {
    const range = bring(new RangeError("an empty range"));
    assert.deepEqual([range.name, range.message, "code" in range], ["RangeError", "an empty range", false]);
    assert.match(bring("a text").message, /a text/);
  });

  it("ends with causes that go round", () => {
    const first = new Error("first");
    first.cause = new Error("second", { cause: first });
    assert.equal(bring(first).message, "first");
  });
});
