import type { Command } from "commander";
import type { CommandContext } from "./command-context.ts";
import { addSourceFlags, type SourceFlags, withSource } from "./library/choose-source.ts";
import { readPages } from "./library/read-pages.ts";
import { formatBytes, formatDuration, formatLocalTime, formatTextTable } from "./library/text-table.ts";

/** A device, as the API shows it. */
interface Device {
  readonly hwid: string | null;
  readonly name: string | null;
  readonly online: boolean | null;
  readonly last_seen: string;
  readonly health: readonly { readonly condition: string }[];
  readonly totals: {
    readonly sessions: number;
    readonly segments: number;
    readonly media_s: number;
    readonly gap_s: number;
    readonly bytes: number;
  };
}

const columns = [
  { head: "device" },
  { head: "name" },
  { head: "online" },
  { head: "last seen", isTime: true },
  { head: "audio", align: "right" },
  { head: "missing", align: "right" },
  { head: "segments", align: "right" },
  { head: "size", align: "right" },
  { head: "health" },
] as const;

/** Adds the command `devices`. */
export function registerDevicesCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("devices")
    .summary("list the devices that were ever recorded")
    .description("Lists every device with what was recorded of it. Without an id it is shown as ~.")
    .option("--search <text>", "those with this in their id or name")
    .option("--tag <tag>", "those with this tag")
    .option("--json", "one JSON object per device, as the API shows it");
  addSourceFlags(command);
  command.action(
    async (flags: SourceFlags & { readonly search?: string; readonly tag?: string; readonly json?: true }) => {
      const { out } = context.terminal;
      await withSource(flags, context, async (client) => {
        const rows: string[][] = [];
        const query = { search: flags.search, tag: flags.tag };
        for await (const device of readPages<Device>(client, "/devices", "devices", query)) {
          if (flags.json) out.write(`${JSON.stringify(device)}\n`);
          else rows.push(formatDevice(device, client.source.kind === "server"));
        }
        if (!flags.json) out.write(rows.length === 0 ? "no devices\n" : formatTextTable(columns, rows));
      });
    },
  );
}

function formatDevice({ hwid, name, online, last_seen, totals, health }: Device, isLive: boolean): string[] {
  return [
    hwid ?? "~",
    name ?? "",
    // Nobody listens for devices while no server runs.
    !isLive || online === null ? "-" : online ? "yes" : "no",
    formatLocalTime(last_seen),
    formatDuration(totals.media_s),
    totals.gap_s === 0 ? "-" : formatDuration(totals.gap_s),
    String(totals.segments),
    formatBytes(totals.bytes),
    health.map(({ condition }) => condition).join(", "),
  ];
}
