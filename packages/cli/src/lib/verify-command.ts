import { join, resolve } from "node:path";
import { readSettings, verifyFolder } from "@eet/server";
import type { Command } from "commander";
import type { CommandContext } from "./command-context.ts";
import { exitCodes, InterruptedError } from "./command-error.ts";
import { counted } from "./counted.ts";
import { requireFolder } from "./path-store.ts";
import { runTool } from "./tool-error.ts";

/** Adds the command `verify`. */
export function registerVerifyCommand(program: Command, context: CommandContext): void {
  program
    .command("verify [folder]")
    .summary("compare recordings with their sidecars")
    .description(
      "Checks every segment below the folder (default: received/ in the data folder of the settings): sizes, hashes and " +
        "framing of the .bin, every fact of the sidecar, and the .wav against what the .bin decodes to. Changes nothing.",
    )
    .option("--json", "one JSON object per segment, the summary on standard error")
    .addHelpText("after", "\nExit code: 0 when all is as it should be, 1 on any difference.")
    .action(async (folder: string | undefined, { json: isJson = false }: { readonly json?: boolean }) => {
      const root = folder ?? (await readReceivedFolder(context));
      requireFolder(root);
      const summary = await runTool(() => verify(root, isJson, context));
      const { out, err } = context.terminal;
      (isJson ? err : out).write(`${formatSummary(root, summary)}\n`);
      if (summary.badCount > 0) context.exitCode = exitCodes.failure;
    });
}

function readReceivedFolder({ env, folder }: CommandContext): Promise<string> {
  return runTool(async () => {
    const { settings } = await readSettings(folder, { environment: env });
    return join(resolve(folder, settings.server.data), "received");
  });
}

/** What all segments came to. */
interface VerifySummary {
  readonly segmentCount: number;
  /** Segments with problems. */
  readonly badCount: number;
  /** Segments that are recorded right now, or were left by a crash. */
  readonly openCount: number;
  /** Segments of which only the sidecar is here, the rest is in the object store. */
  readonly evictedCount: number;
  readonly audioS: number;
  readonly binBytes: number;
}

async function verify(root: string, isJson: boolean, context: CommandContext): Promise<VerifySummary> {
  const { out, err } = context.terminal;
  const summary = { segmentCount: 0, badCount: 0, openCount: 0, evictedCount: 0, audioS: 0, binBytes: 0 };
  for await (const verdict of verifyFolder(root)) {
    if (verdict.isOpen) summary.openCount += 1;
    else summary.segmentCount += 1;
    if (verdict.isEvicted) summary.evictedCount += 1;
    summary.audioS += verdict.sampleCount / verdict.sampleRateHz;
    summary.binBytes += verdict.binBytes;
    if (verdict.problems.length > 0) summary.badCount += 1;
    if (isJson) out.write(`${JSON.stringify(verdict)}\n`);
    else for (const problem of verdict.problems) out.write(`${verdict.segment}: ${problem}\n`);
    if (err.isTty) err.write(`\r${counted(summary.segmentCount + summary.openCount, "segment")}`);
    if (context.interruption.aborted)
      throw new InterruptedError(`interrupted after ${counted(summary.segmentCount, "segment")}`);
  }
  if (err.isTty) err.write("\r\x1b[K");
  return summary;
}

function formatSummary(root: string, summary: VerifySummary): string {
  const { segmentCount, badCount, openCount, evictedCount, audioS, binBytes } = summary;
  if (segmentCount + openCount === 0) return `nothing to check: no segment lies below ${root}`;
  const verdict = badCount === 0 ? "all as they should be" : `${badCount} with problems`;
  const open = openCount === 0 ? "" : `; ${counted(openCount, "open segment")} not checked`;
  const evicted = evictedCount === 0 ? "" : `; of ${evictedCount} only the sidecar is here`;
  const totals = `${counted(segmentCount, "segment")}, ${audioS.toFixed(1)} s of audio, ${binBytes} bytes of frames`;
  return `${totals}: ${verdict}${open}${evicted}`;
}
