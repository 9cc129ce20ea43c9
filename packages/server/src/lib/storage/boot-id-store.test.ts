import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readBootId } from "./boot-id-store.ts";

describe("readBootId", () => {
  it("gives a UUID", () => {
    assert.match(readBootId(), /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });

  it("stays the same while the kernel runs", { skip: process.platform !== "linux" && "needs /proc" }, () => {
    assert.equal(readBootId(), readBootId());
  });
});
