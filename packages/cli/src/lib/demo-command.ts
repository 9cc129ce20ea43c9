import type { Command } from "commander";
import type { CommandContext } from "./command-context.ts";
import { runDemo } from "./demo/run-demo.ts";
import { positiveNumber } from "./number-argument.ts";

/** Adds the command `demo`. */
export function registerDemoCommand(program: Command, context: CommandContext): void {
  program
    .command("demo")
    .summary("see it work: a server and four simulated devices")
    .description(
      "Starts a server on this machine and streams the bundled recordings to it as four devices, in real time; shows what " +
        "arrives where. Ctrl-C stops it. Recordings go to a new folder in data/demo, settings of yours are not touched.",
    )
    .option("--seconds <n>", "stop by itself after so many seconds", positiveNumber)
    .action(async ({ seconds }: { readonly seconds?: number }) => {
      context.exitCode = await runDemo(seconds, context);
    });
}
