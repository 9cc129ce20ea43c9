import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { readSourceFiles, stripComments } from "../../../../test/support/source-files.ts";

const files = new Map(readSourceFiles("packages/*/src/**/*.ts").map((file) => [file.path, file]));

/** Everything that is loaded with a file: paths of own files, names of other modules. */
function reachedFrom(path: string, reached = new Set<string>()): Set<string> {
  if (reached.has(path)) return reached;
  reached.add(path);
  for (const { target, isType } of files.get(path)?.imports ?? []) {
    if (!isType) reachedFrom(target, reached);
  }
  return reached;
}

describe("the entrance for browsers", () => {
  const reached = [...reachedFrom("packages/client/src/browser.ts")];

  it("reaches nothing but this repository's own files: no node:*, no ws", () => {
    const foreign = reached.filter((target) => !files.has(target));
    assert.deepEqual(foreign, []);
    assert.ok(reached.includes("packages/client/src/lib/courier.ts"), "the graph is walked");
  });

  it("reaches no file that uses what only Node has", () => {
    const uses = reached.filter((path) =>
      /\b(?:Buffer|process|setImmediate|require)\b/.test(stripComments(files.get(path)?.text ?? "")),
    );
    assert.deepEqual(uses, []);
  });

  it("is what bundlers choose for browsers", () => {
    const folder = fileURLToPath(new URL("../..", import.meta.url));
    const { exports } = JSON.parse(readFileSync(posix.join(folder, "package.json"), "utf8"));
    assert.deepEqual(exports, { ".": { browser: "./src/browser.ts", default: "./src/index.ts" } });
    assert.equal(Object.keys(exports["."])[0], "browser", "the first condition that fits is taken");
  });

  it("gives what the entrance for Node gives, but for what needs Node", async () => {
    const node = Object.keys(await import("../index.ts"));
    const browser = Object.keys(await import("../browser.ts"));
    const nodeOnly = ["FrameStreamError", "SpoolError", "openFrameStream", "openSpool"];
    assert.deepEqual(
      node.filter((name) => !nodeOnly.includes(name)),
      browser,
    );
  });
});
