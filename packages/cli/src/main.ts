#!/usr/bin/env node
// The command `eet`: the only reader of argv, environment and signals here, and the only one that ends the process.
import { enableCompileCache, flushCompileCache } from "node:module";
import { registerCommands } from "./lib/commands.ts";
import { createProgram, runProgram } from "./lib/program.ts";
import { createTerminal } from "./lib/terminal.ts";

// The threads on which files are written and synced, 4 unless told: a sync is mostly waiting, and the file system groups
// those that wait at once. Read when the first of them starts, which is later than this.
process.env["UV_THREADPOOL_SIZE"] ??= "32";

// What is set below is meant for threads of this process alone, not for commands that it runs.
const env = { ...process.env };

// What a command loads is compiled once per machine, not at each start. Kept early: a server that is killed keeps nothing.
const { directory } = enableCompileCache();
// By this it holds in threads as well, each of which would compile all it loads.
if (directory !== undefined) process.env["NODE_COMPILE_CACHE"] ??= directory;
setTimeout(flushCompileCache, 2_000).unref();

const interruption = new AbortController();
const abandonment = new AbortController();
const interrupt = () => {
  // Whoever asks twice does not want to wait for a clean end.
  if (interruption.signal.aborted) {
    abandonment.abort();
    process.exit(130);
  }
  interruption.abort();
};
process.on("SIGINT", interrupt);
process.on("SIGTERM", interrupt);

const context = {
  terminal: createTerminal(process),
  env,
  folder: process.cwd(),
  interruption: interruption.signal,
  abandonment: abandonment.signal,
  onHangup: (listener: () => void) => void process.on("SIGHUP", listener),
  exitCode: 0,
};
const program = createProgram(context);
const args = process.argv.slice(2);
await registerCommands(program, context, args[0]);
process.exitCode = await runProgram(program, args, context);
// A part that could not be closed, such as a disk that hangs, must not hold the process for ever.
setTimeout(() => process.exit(), 2_000).unref();
