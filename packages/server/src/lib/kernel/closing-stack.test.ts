import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ClosingStack } from "./closing-stack.ts";
import type { Log } from "./log.ts";

function createLog(errors: unknown[]): Log {
  return { debug() {}, info() {}, warn() {}, error: (fields) => errors.push(fields["error"]) };
}

describe("ClosingStack", () => {
  it("closes in reverse, each part after the one before it has closed", async () => {
    const stack = new ClosingStack(createLog([]), 10_000);
    const steps: string[] = [];
    stack.add("first", (name) => steps.push(name));
    stack.add("second", async (name) => {
      await Promise.resolve();
      steps.push(name);
    });
    await stack.close();
    assert.deepEqual(steps, ["second", "first"]);
  });

  it("goes on past a part that fails, and tells of it", async () => {
    const errors: unknown[] = [];
    const stack = new ClosingStack(createLog(errors), 10_000);
    let isFirstClosed = false;
    stack.add("first", () => {
      isFirstClosed = true;
    });
    stack.add("second", () => Promise.reject(new Error("broken")));
    await stack.close();
    assert.ok(isFirstClosed);
    assert.deepEqual(errors, ["broken"]);
  });

  it("waits for a part no longer than it may", async () => {
    const errors: unknown[] = [];
    const stack = new ClosingStack(createLog(errors), 5);
    let isFirstClosed = false;
    stack.add("first", () => {
      isFirstClosed = true;
    });
    stack.add("second", () => new Promise(() => {}));
    await stack.close();
    assert.ok(isFirstClosed);
    assert.match(String(errors[0]), /did not close within 5 ms/);
  });

  it("closes once, however often it is asked", async () => {
    const stack = new ClosingStack(createLog([]), 10_000);
    let count = 0;
    stack.add("part", () => {
      count += 1;
    });
    await Promise.all([stack.close(), stack.close()]);
    assert.equal(count, 1);
  });
});
