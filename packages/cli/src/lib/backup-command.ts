import { resolve } from "node:path";
import {
  type BackupReport,
  backUp,
  type CopyProgress,
  type CopyReport,
  readSettings,
  restoreBackup,
} from "@eet/server";
import type { Command } from "commander";
import type { CommandContext } from "./command-context.ts";
import { exitCodes, InterruptedError } from "./command-error.ts";
import { counted } from "./counted.ts";
import { formatBytes } from "./library/text-table.ts";
import { requireDataFolder } from "./path-store.ts";
import { runTool } from "./tool-error.ts";

interface Flags {
  readonly data?: string;
  readonly json?: true;
  readonly prune?: true;
}

const dataFlag = ["--data <folder>", "the data folder (default: as in the settings)"] as const;

/** Adds the command `backup`. */
export function registerBackupCommand(program: Command, context: CommandContext): void {
  program
    .command("backup <folder>")
    .summary("back up recordings and catalogue, while the server runs or not")
    .description(
      "Makes the folder a backup of the data folder: the catalogue as it is at one moment, every file of the segments in " +
        "it, tokens and audit log. Files on the same disk are linked, which costs no room but does not outlive that disk; others are copied and " +
        "compared with their SHA-256. Run again, it adds what is new. What is recorded at that moment comes with the next run.",
    )
    .option(...dataFlag)
    .option("--prune", "remove from the backup what the server has not any more")
    .option("--json", "one JSON object at the end")
    .addHelpText(
      "after",
      "\nExit code: 0, or 1 when files were missing or damaged; the rest is backed up all the same.",
    )
    .action((target: string, flags: Flags) => {
      const isPruning = flags.prune === true;
      return runCopy("backed up", flags, context, async (dataFolder, watch) => {
        requireDataFolder(dataFolder);
        return backUp({ dataFolder, target: resolve(context.folder, target), isPruning, ...watch });
      });
    });
}

/** Adds the command `restore`. */
export function registerRestoreCommand(program: Command, context: CommandContext): void {
  program
    .command("restore <backup>")
    .summary("make a data folder of a backup")
    .description(
      "Copies a backup that `eet backup` made into an empty data folder and compares every file with its SHA-256. Run again, " +
        "it goes on where it was interrupted. A server that uploads then goes on with the bucket of its settings.",
    )
    .option(...dataFlag)
    .option("--json", "one JSON object at the end")
    .addHelpText("after", "\nExit code: 0, or 1 when files were missing or damaged; the rest is restored all the same.")
    .action((source: string, flags: Flags) =>
      runCopy("restored", flags, context, (dataFolder, watch) =>
        restoreBackup({ source: resolve(context.folder, source), dataFolder, ...watch }),
      ),
    );
}

interface Watch {
  readonly onProgress: (progress: CopyProgress) => void;
  readonly signal: AbortSignal;
}

type Copy = (dataFolder: string, watch: Watch) => Promise<CopyReport | BackupReport>;

async function runCopy(verb: string, flags: Flags, context: CommandContext, copy: Copy): Promise<void> {
  const { terminal, env: environment, folder, interruption: signal } = context;
  const { out, err } = terminal;
  const onProgress = ({ segmentCount, bytes }: CopyProgress) => {
    if (err.isTty) err.write(`\r${counted(segmentCount, "segment")}, ${formatBytes(bytes)} new\x1b[K`);
  };
  const report = await runTool(async () => {
    const given = flags.data === undefined ? {} : { data: flags.data };
    const { settings } = await readSettings(folder, { flags: given, environment });
    try {
      return await copy(resolve(folder, settings.server.data), { onProgress, signal });
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new InterruptedError("interrupted: run it again to go on", { cause: error });
    }
  });
  if (err.isTty) err.write("\r\x1b[K");
  if (flags.json) out.write(`${JSON.stringify(report)}\n`);
  else out.write(formatReport(verb, report));
  if (report.gone.length + report.damaged.length > 0) context.exitCode = exitCodes.failure;
}

function formatReport(verb: string, report: CopyReport | BackupReport): string {
  const { segmentCount, linkedCount, copiedCount, keptCount, bytes, gone, damaged } = report;
  const faults = [...gone.map((path) => `${path} is missing`), ...damaged].map((fault) => `${fault}\n`).join("");
  const pruned = "prunedCount" in report && report.prunedCount > 0 ? `, ${report.prunedCount} pruned` : "";
  const files = `${copiedCount} files copied, ${linkedCount} linked (${formatBytes(bytes)}), ${keptCount} were there${pruned}`;
  return `${faults}${verb}: ${counted(segmentCount, "segment")}; ${files}\n`;
}
