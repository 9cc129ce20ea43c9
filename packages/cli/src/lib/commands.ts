import type { Command } from "commander";
import type { CommandContext } from "./command-context.ts";
import { registerConfigCommand } from "./config-command.ts";
import { registerDemoCommand } from "./demo-command.ts";
import { registerInspectCommand } from "./inspect-command.ts";
import { registerReindexCommand } from "./reindex-command.ts";
import { registerServeCommand } from "./serve-command.ts";
import { registerStreamCommand } from "./stream-command.ts";
import { registerVerifyCommand } from "./verify-command.ts";
import { registerWavCommand } from "./wav-command.ts";

/** Adds every command, in the order of the help: first what a newcomer needs first. */
export function registerCommands(program: Command, context: CommandContext): void {
  registerDemoCommand(program, context);
  registerServeCommand(program, context);
  registerStreamCommand(program, context);
  registerConfigCommand(program, context);
  registerInspectCommand(program, context);
  registerWavCommand(program, context);
  registerVerifyCommand(program, context);
  registerReindexCommand(program, context);
}
