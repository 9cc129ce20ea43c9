import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { connectionsForFdLimit, readFdLimit } from "./fd-limit-store.ts";

describe("readFdLimit", () => {
  it("reads the limit of this process", { skip: process.platform !== "linux" && "needs /proc" }, () => {
    const shell = spawnSync("sh", ["-c", "ulimit -S -n"]).stdout.toString().trim();
    assert.equal(String(readFdLimit() ?? "unlimited"), shell);
  });
});

describe("connectionsForFdLimit", () => {
  it("leaves descriptors for the rest and for segments that change over [S-2.6]", () => {
    assert.equal(connectionsForFdLimit(1024), 298);
    assert.equal(connectionsForFdLimit(3128), 1000);
  });

  it("carries one connection at least", () => {
    assert.equal(connectionsForFdLimit(64), 1);
  });
});
