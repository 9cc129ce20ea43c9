import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { runEet } from "./command-harness.test-support.ts";
import { createProgram, runProgram } from "./program.ts";

describe("runProgram", () => {
  it("gives the version of the package", async () => {
    const { version } = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8"));
    assert.deepEqual(await runEet(["--version"]), { exitCode: 0, out: `${version}\n`, err: "" });
  });

  it("shows the help when it is asked for nothing", async () => {
    const outcome = await runEet([]);
    assert.deepEqual(outcome, await runEet(["--help"]));
    assert.deepEqual([outcome.exitCode, outcome.err], [0, ""]);
    const commands = [...outcome.out.matchAll(/^ {2}([a-z]+) .*\[/gm)].map(([, name]) => name);
    const reading = ["devices", "ls", "export", "events", "retention"];
    const tools = ["doctor", "config", "inspect", "wav", "verify", "backup", "restore", "reindex"];
    assert.deepEqual(commands, ["demo", "serve", "stream", ...reading, ...tools, "help"]);
    assert.match(outcome.out, /First steps:\n {2}eet demo /);
  });

  it("shows a command's help with examples and exit codes", async () => {
    const { exitCode, out } = await runEet(["stream", "--help"]);
    assert.equal(exitCode, 0);
    assert.match(out, /arecord -f S16_LE -r 16000 -t wav \| eet stream --wav -\n/);
    assert.match(out, /Exit code: 0 when/);
  });

  it("answers wrong usage with one line, what to do, and 2", async () => {
    for (const args of [
      ["strea"],
      ["stream", "--bogus"],
      ["stream", "--codec", "mp3"],
      ["stream", "--streams", "0"],
      ["stream", "--frame-ms", "1.5"],
      ["stream", "--seconds", "0"],
      ["stream", "--rate", ""],
    ]) {
      const { exitCode, out, err } = await runEet(args);
      assert.deepEqual([exitCode, out], [2, ""], args.join(" "));
      assert.match(
        err,
        /^eet: .*\n(\(Did you mean stream\?\)\n)?Add --help to see what is allowed\.\n/,
        args.join(" "),
      );
    }
  });

  it("hides where an unexpected error came from unless asked", async () => {
    for (const [args, env, pattern] of [
      [["fail"], {}, /^eet fail: unexpected: boom; run it again with --verbose .*\n$/],
      [["fail", "--verbose"], {}, /^eet fail: Error: boom\n +at /],
      [["fail"], { DEBUG: "1" }, /^eet fail: Error: boom\n +at /],
    ] as const) {
      let text = "";
      const write = (more: string) => {
        text += more;
      };
      const err = { isTty: false, columns: 80, rows: 24, write };
      const terminal = { input: process.stdin, isInputTty: true, out: err, err, binaryOut: process.stdout };
      const { signal } = new AbortController();
      const context = {
        terminal,
        env,
        folder: "",
        interruption: signal,
        abandonment: signal,
        onHangup: () => {},
        exitCode: 0,
      };
      const program = createProgram(context);
      program.command("fail").action(() => {
        throw new Error("boom");
      });
      assert.equal(await runProgram(program, args, context), 1);
      assert.match(text, pattern);
    }
  });
});
