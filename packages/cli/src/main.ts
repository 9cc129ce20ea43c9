#!/usr/bin/env node
// The command `eet`: the only reader of argv, environment and signals here, and the only one that ends the process.
import { registerConfigCommand } from "./lib/config-command.ts";
import { registerDemoCommand } from "./lib/demo-command.ts";
import { registerInspectCommand } from "./lib/inspect-command.ts";
import { createProgram, runProgram } from "./lib/program.ts";
import { registerReindexCommand } from "./lib/reindex-command.ts";
import { registerServeCommand } from "./lib/serve-command.ts";
import { registerStreamCommand } from "./lib/stream-command.ts";
import { createTerminal } from "./lib/terminal.ts";
import { registerVerifyCommand } from "./lib/verify-command.ts";
import { registerWavCommand } from "./lib/wav-command.ts";

const interruption = new AbortController();
const interrupt = () => {
  // Whoever asks twice does not want to wait for a clean end.
  if (interruption.signal.aborted) process.exit(130);
  interruption.abort();
};
process.on("SIGINT", interrupt);
process.on("SIGTERM", interrupt);

const context = {
  terminal: createTerminal(process),
  env: process.env,
  interruption: interruption.signal,
  exitCode: 0,
};
const program = createProgram(context);
registerDemoCommand(program, context);
registerServeCommand(program, context);
registerStreamCommand(program, context);
registerInspectCommand(program, context);
registerWavCommand(program, context);
registerVerifyCommand(program, context);
registerReindexCommand(program, context);
registerConfigCommand(program, context);
process.exitCode = await runProgram(program, process.argv.slice(2), context);
