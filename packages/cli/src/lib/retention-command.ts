import type { Command } from "commander";
import type { CommandContext } from "./command-context.ts";
import { exitCodes, UsageError } from "./command-error.ts";
import { addSourceFlags, type SourceFlags, withSource } from "./library/choose-source.ts";
import { formatBytes, formatLocalTime, formatTextTable } from "./library/text-table.ts";

/** What a run does or would do, as the API shows it. */
interface RetentionReport {
  readonly local_bytes: number;
  readonly headroom_hours: number | null;
  readonly refusals: readonly string[];
  readonly devices: readonly {
    readonly hwid: string | null;
    readonly segments: number;
    readonly local_bytes: number;
    readonly entries: readonly {
      readonly outcome: string;
      readonly reason: string;
      readonly segments: number;
      readonly bytes: number;
      readonly oldest: string;
    }[];
  }[];
}

interface RetentionFlags extends SourceFlags {
  readonly dryRun?: true;
  readonly run?: true;
  readonly allowMost?: true;
  readonly deleteQueued?: true;
  readonly json?: true;
}

const columns = [
  { head: "device" },
  { head: "what" },
  { head: "segments", align: "right" },
  { head: "size", align: "right" },
  { head: "oldest", isTime: true },
  { head: "why" },
] as const;

/** Fates by their name in the report: before a run, after it. */
const fates: Readonly<Record<string, readonly [planned: string, done: string]>> = {
  evict: ["would leave this disk (stored elsewhere)", "left this disk (stored elsewhere)"],
  delete: ["would be deleted for good", "was deleted for good"],
  pinned: ["stays: pinned", "stays: pinned"],
  waiting: [
    "stays: not uploaded yet, or its command has not run",
    "stays: not uploaded yet, or its command has not run",
  ],
  refused: ["stays: refused", "stays: refused"],
};

/** Adds the command `retention`. */
export function registerRetentionCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("retention")
    .summary("show what the quotas would remove, or remove it now")
    .description(
      "Shows per device what is past its quota (Server:RetentionMaxAgeD, Server:RetentionMaxGb, and those of devices), what " +
        "would become of it and why. Changes nothing without --run. A folder's quotas are those of this working folder's settings.",
    )
    .option("--dry-run", "only show it (the default)")
    .option("--run", "do it now; a folder on which a server runs is refused: ask the server with --url")
    .option("--allow-most", "with --run: delete even more than half of all segments or of a device's")
    .option("--delete-queued", "with --run: while uploads are off, delete even what was queued for upload")
    .option("--json", "as JSON")
    .addHelpText("after", "\nExit code: 0, or 1 when something was refused because it is more than half.");
  addSourceFlags(command);
  command.action((flags: RetentionFlags) => {
    if (flags.run && flags.dryRun) throw new UsageError("--run and --dry-run exclude each other");
    if (flags.allowMost && !flags.run) throw new UsageError("--allow-most goes with --run");
    if (flags.deleteQueued && !flags.run) throw new UsageError("--delete-queued goes with --run");
    return runRetention(flags, context);
  });
}

function runRetention(flags: RetentionFlags, context: CommandContext): Promise<void> {
  const { out, err } = context.terminal;
  return withSource(flags, context, async (client) => {
    const report = flags.run
      ? await client.post<RetentionReport>("/retention/run", {
          allow_most: flags.allowMost === true,
          ...(flags.deleteQueued && { delete_queued: true }),
        })
      : await client.get<RetentionReport>("/retention/preview");
    out.write(flags.json ? `${JSON.stringify(report)}\n` : formatReport(report, flags.run === true));
    if (report.refusals.length === 0) return;
    const [verb, advice] = flags.run
      ? ["refused to delete", "check the quotas; --run --allow-most insists"]
      : ["a run would refuse to delete", "check the quotas"];
    err.write(`eet retention: ${verb} more than half: ${report.refusals.join(", ")}; ${advice}\n`);
    if (flags.run) context.exitCode = exitCodes.failure;
  });
}

function formatReport({ devices, local_bytes, headroom_hours }: RetentionReport, isDone: boolean): string {
  const rows = devices.flatMap(({ hwid, entries }) =>
    entries.map(({ outcome, reason, segments, bytes, oldest }) => [
      hwid ?? "~",
      fates[outcome]?.[isDone ? 1 : 0] ?? outcome,
      String(segments),
      formatBytes(bytes),
      formatLocalTime(oldest),
      reason,
    ]),
  );
  const table = rows.length === 0 ? "nothing is past its quota\n" : formatTextTable(columns, rows);
  const hours = headroom_hours === null ? "not known, or it does not fill" : `${headroom_hours.toFixed(1)} hours`;
  return `${table}${formatBytes(local_bytes)} on this disk; at the rate of the last hour it lasts: ${hours}\n`;
}
