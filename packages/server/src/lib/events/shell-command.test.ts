import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { runShellCommand } from "./shell-command.ts";

interface Given {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly onLine?: (line: string) => void;
}

async function run(command: string, { timeoutMs = 20_000, signal, onLine }: Given = {}) {
  const lines: string[] = [];
  const end = await runShellCommand({
    command,
    environment: { PATH: process.env["PATH"] ?? "", NAME: "value of it" },
    folder: "/",
    timeoutMs,
    signal: signal ?? new AbortController().signal,
    onLine: (line, stream) => {
      lines.push(`${stream}: ${line}`);
      onLine?.(line);
    },
  });
  return { end, lines };
}

/** A zombie is dead. */
const isAlive = (line: string | undefined) => {
  const pid = String(Number(line?.replace("stdout: ", "")));
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", pid], { encoding: "utf8" });
  return stdout.trim() !== "" && !stdout.startsWith("Z");
};

describe("runShellCommand", () => {
  it("runs it by the shell, with the environment given and nothing else", async () => {
    const { end, lines } = await run('echo "$NAME in $PWD"; echo "home: $HOME"; echo gone wrong >&2; exit 3');
    assert.deepEqual(end, { kind: "exited", code: 3 });
    assert.deepEqual(lines.toSorted(), ["stderr: gone wrong", "stdout: home:", "stdout: value of it in /"]);
  });

  it("tells that a signal ended it", async () => {
    assert.deepEqual((await run("kill -9 $$")).end, { kind: "killed", signal: "SIGKILL" });
  });

  it("tells that it cannot be started", async () => {
    const { kind } = await runShellCommand({
      command: "true",
      environment: {},
      folder: "/there/is/no/such/folder",
      timeoutMs: 1_000,
      signal: new AbortController().signal,
      onLine() {},
    });
    assert.equal(kind, "failed");
  });

  it("ends the whole group at the time limit", async () => {
    const { end, lines } = await run("sleep 300 & echo $!; sleep 300", { timeoutMs: 200 });
    assert.deepEqual(end, { kind: "timed-out" });
    assert.equal(isAlive(lines[0]), false);
  });

  it("kills what does not end when told to stop", async () => {
    const stop = new AbortController();
    const { end, lines } = await run("trap '' TERM; echo $$; while :; do sleep 0.05; done", {
      signal: stop.signal,
      onLine: () => stop.abort(),
    });
    assert.deepEqual(end, { kind: "stopped" });
    assert.equal(isAlive(lines[0]), false);
  });

  it("leaves nothing in the background", async () => {
    const { end, lines } = await run("sleep 300 & echo $!");
    assert.deepEqual(end, { kind: "exited", code: 0 });
    assert.equal(isAlive(lines[0]), false);
  });

  it("bounds lines in number and length", async () => {
    const { lines } = await run("seq 100000; head -c 1000000 /dev/zero | tr '\\0' x");
    assert.equal(lines.length, 201);
    assert.equal(lines[200], "stdout: (more than 200 lines: the rest is not shown)");
    const long = await run("head -c 1000000 /dev/zero | tr '\\0' x");
    assert.deepEqual(long.lines, [`stdout: ${"x".repeat(1_000)}...`]);
  });

  it("does not start when it is stopped before", async () => {
    assert.deepEqual((await run("true", { signal: AbortSignal.abort() })).end, { kind: "stopped" });
  });
});
