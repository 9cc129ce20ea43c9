import { Command, CommanderError } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import type { CommandContext } from "./command-context.ts";
import { CommandError, exitCodes } from "./command-error.ts";

const firstSteps = `
First steps:
  eet demo                  see it work: a server, simulated devices, the web page
  eet serve                 run the server at ws://127.0.0.1:5096/ws/{hwid}
  eet stream --hwid probe   be a device and stream a test tone to it

eet COMMAND --help explains a command.
Exit codes: 0 success, 1 failure, 2 wrong usage, 130 interrupted.`;

/** Creates the command `eet` without its subcommands; each of them registers itself. */
export function createProgram({ terminal }: CommandContext): Command {
  return new Command("eet")
    .description("Records live audio from fleets of devices over WebSocket.")
    .addHelpText("after", firstSteps)
    .version(packageJson.version)
    .option("--verbose", "show where an unexpected error came from")
    .showHelpAfterError("Add --help to see what is allowed.")
    .configureOutput({
      writeOut: (text) => terminal.out.write(text),
      writeErr: (text) => terminal.err.write(text),
      outputError: (text, write) => write(text.replace(/^error:/, "eet:")),
    })
    .exitOverride();
}

/**
 * Runs the command that `args` name; never throws.
 *
 * @param args - without the interpreter and the script; none ask for help
 * @returns the exit code: what the command set, 1 for an error, 2 for wrong usage
 */
export async function runProgram(program: Command, args: readonly string[], context: CommandContext): Promise<number> {
  let name = program.name();
  program.hook("preAction", (_program, command) => {
    name = `${program.name()} ${command.name()}`;
  });
  try {
    await program.parseAsync(args.length === 0 ? ["--help"] : args, { from: "user" });
    return context.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.success : exitCodes.usage;
    const isVerbose = program.opts<{ verbose?: boolean }>().verbose === true || context.env["DEBUG"] !== undefined;
    context.terminal.err.write(`${name}: ${describeError(error, isVerbose)}\n`);
    return error instanceof CommandError ? error.exitCode : exitCodes.failure;
  }
}

function describeError(error: unknown, isVerbose: boolean): string {
  if (!(error instanceof Error)) return String(error);
  if (isVerbose) return error.stack ?? error.message;
  if (error instanceof CommandError) return error.message;
  return `unexpected: ${error.message}; run it again with --verbose to see where, and report it`;
}
