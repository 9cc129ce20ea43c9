import type { Command } from "commander";
import type { CommandContext } from "./command-context.ts";
import { runDemo } from "./demo/run-demo.ts";
import { positiveNumber } from "./number-argument.ts";

/** Adds the command `demo`. */
export function registerDemoCommand(program: Command, context: CommandContext): void {
  program
    .command("demo")
    .summary("see it work: a server, simulated devices, and the web page")
    .description(
      "Starts a server on this machine and streams simulated devices to it in real time: voices, birds, machines, one with " +
        "gaps, one that clips, one that is silent. Opens the page that shows them, and tells what arrives where. Ctrl-C " +
        "stops it. Recordings go to a new folder in data/demo, settings of yours are not touched.",
    )
    .option("--seconds <n>", "stop by itself after so many seconds", positiveNumber)
    .option("--no-open", "do not open the page in a browser")
    .action(async ({ seconds, open }: { readonly seconds?: number; readonly open: boolean }) => {
      context.exitCode = await runDemo({ seconds, opensPage: open }, context);
    });
}
