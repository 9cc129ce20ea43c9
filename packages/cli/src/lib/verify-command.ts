import { verifyFolder } from "@eet/server";
import type { Command } from "commander";
import type { CommandContext } from "./command-context.ts";
import { requirePath } from "./tool-error.ts";

/** Adds the command `verify`. */
export function registerVerifyCommand(program: Command, context: CommandContext): void {
  program
    .command("verify [folder]")
    .summary("compare recordings with their sidecars")
    .description(
      "Checks every segment below the folder (default: data/received): sizes, hashes and framing of the .bin, every fact of " +
        "the sidecar, and the .wav against what the .bin decodes to. Changes nothing; exit code 1 on any difference.",
    )
    .option("--json", "one JSON object per segment")
    .action(async (folder: string | undefined, { json }: { readonly json?: boolean }) => {
      const root = folder ?? "data/received";
      requirePath(root);
      const summary = await verify(root, json === true, context);
      const { out, err } = context.terminal;
      (json === true ? err : out).write(
        `${summary.segmentCount} segments, ${summary.seconds.toFixed(1)} s of audio, ${summary.binBytes} bytes of frames: ` +
          `${summary.badCount === 0 ? "all as they should be" : `${summary.badCount} with problems`}` +
          `${summary.evictedCount === 0 ? "" : `; ${summary.evictedCount} only in the object store`}` +
          `${summary.openCount === 0 ? "" : `; ${summary.openCount} open ones not checked`}\n`,
      );
      if (summary.badCount > 0) context.exitCode = 1;
    });
}

async function verify(root: string, isJson: boolean, { terminal, interruption }: CommandContext) {
  const summary = { segmentCount: 0, badCount: 0, openCount: 0, evictedCount: 0, seconds: 0, binBytes: 0 };
  for await (const verdict of verifyFolder(root)) {
    interruption.throwIfAborted();
    if (verdict.isOpen) summary.openCount += 1;
    else summary.segmentCount += 1;
    if (verdict.isEvicted) summary.evictedCount += 1;
    summary.seconds += verdict.sampleCount / verdict.sampleRateHz;
    summary.binBytes += verdict.binBytes;
    if (verdict.problems.length > 0) summary.badCount += 1;
    if (isJson) terminal.out.write(`${JSON.stringify(verdict)}\n`);
    else for (const problem of verdict.problems) terminal.out.write(`${verdict.segment}: ${problem}\n`);
    const checkedCount = summary.segmentCount + summary.openCount;
    if (terminal.err.isTty && checkedCount % 50 === 0) terminal.err.write(`\r${checkedCount} segments checked`);
  }
  if (terminal.err.isTty) terminal.err.write("\r\x1b[K");
  return summary;
}
