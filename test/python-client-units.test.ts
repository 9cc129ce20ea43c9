import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { skipWithout } from "./support/tools.ts";

describe("examples/python", () => {
  it("passes its own tests", { skip: skipWithout("/usr/bin/python3") }, () => {
    const cwd = fileURLToPath(new URL("..", import.meta.url));
    const args = ["-W", "ignore", "-m", "unittest", "discover", "-s", "examples/python"];
    const { status, stderr } = spawnSync("/usr/bin/python3", args, { cwd, encoding: "utf8" });
    assert.equal(status, 0, stderr);
    assert.match(stderr, /Ran \d{2,} tests/);
  });
});
