import assert from "node:assert/strict";
import { openSync } from "node:fs";
import { describe, it } from "node:test";
import { StorageError } from "../kernel/errors.ts";
import { captureOutcome, isPassing, readOutcome } from "./finish-outcome.ts";

describe("captureOutcome", () => {
  it("keeps the code of an error over a copy between threads, which loses it otherwise", async () => {
    const failing = await captureOutcome(async () => {
      openSync("/missing/file", "r");
      return null;
    });
    const thrown = () => readOutcome(structuredClone(failing));
    assert.throws(thrown, { code: "ENOENT", message: /no such file.*\/missing\/file/ });
  });

  it("passes on an error without a code, and what is none", async () => {
    const outcomeOf = async (thrown: unknown) => structuredClone(await captureOutcome(() => Promise.reject(thrown)));
    const ofSeven = await outcomeOf(7);
    assert.deepEqual(await outcomeOf(new Error("why")), { kind: "failed", message: "why", code: undefined });
    assert.throws(() => readOutcome(ofSeven), { message: "a non-error was thrown: 7" });
  });

  it("passes on that there was no frame", async () => {
    assert.equal(readOutcome(await captureOutcome(async () => null)), null);
  });
});

describe("isPassing", () => {
  const withCode = (code: string) => Object.assign(new Error("x"), { code });

  it("is true for what passes without anybody's doing", () => {
    const passing = ["ENOSPC", "EDQUOT", "EMFILE", "ENFILE", "EAGAIN", "EIO", "ERR_WORKER_INIT_FAILED"];
    assert.deepEqual(
      passing.filter((code) => !isPassing(withCode(code))),
      [],
    );
    assert.ok(isPassing(new StorageError("STORAGE_FULL", "the catalogue's disk")));
  });

  it("is false for what stays as it is", () => {
    assert.equal(isPassing(withCode("ENOENT")), false);
    assert.equal(isPassing(new StorageError("SEGMENT_UNREADABLE", "damaged")), false);
    assert.equal(isPassing(new StorageError("SHUTTING_DOWN", "closed")), false);
    assert.equal(isPassing(new Error("no code")), false);
  });
});
