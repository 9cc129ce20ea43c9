import type { Command } from "commander";
import type { CommandContext } from "./command-context.ts";
import { counted } from "./counted.ts";
import { devicePath } from "./library/api-client.ts";
import { addSourceFlags, type SourceFlags, withSource } from "./library/choose-source.ts";
import { readHwid } from "./library/hwid-argument.ts";
import { readPages } from "./library/read-pages.ts";
import { formatDuration, formatLocalTime, formatTextTableParts } from "./library/text-table.ts";
import { readTime, timeForms } from "./library/time-argument.ts";
import { wholeNumber } from "./number-argument.ts";

/** A segment, as the API shows it. */
interface Segment {
  readonly id: number;
  readonly hwid: string | null;
  readonly stream_id: number;
  readonly name: string;
  readonly folder: string;
  readonly format: { readonly codec: string; readonly sample_rate_hz: number; readonly channels: number };
  readonly start: string;
  readonly samples: number;
  readonly gap_samples: number;
  readonly peak_dbfs: number | null;
  readonly upload_state: string;
  readonly evicted: string | null;
  readonly pinned: boolean;
  readonly recovered: boolean;
}

interface LsFlags extends SourceFlags {
  readonly from?: string;
  readonly to?: string;
  readonly stream?: number;
  readonly gaps?: true;
  readonly json?: true;
}

const columns = [
  { head: "start", isTime: true },
  { head: "length", align: "right" },
  { head: "missing", align: "right" },
  { head: "format" },
  { head: "peak dB", align: "right" },
  { head: "upload" },
  { head: "notes" },
  { head: "file" },
] as const;

/** Rows that are laid out together; more are not kept. */
const partRowCount = 1_000;

const maxStreamId = 2 ** 32 - 1;

/** Adds the command `ls`. */
export function registerLsCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("ls")
    .argument("<hwid>", "the device; ~ for what was recorded without an id", readHwid)
    .summary("list the segments of a device")
    .description("Lists the segments of a device, oldest first; times are those of this machine.")
    .option("--from <time>", `those that end after it: ${timeForms}`, readTime)
    .option("--to <time>", "those that start before it", readTime)
    .option("--stream <id>", "those of one stream", wholeNumber(0, maxStreamId))
    .option("--gaps", "those with missing frames alone")
    .option("--json", "one JSON object per segment, as the API shows it");
  addSourceFlags(command);
  command.action((hwid: string, flags: LsFlags) =>
    withSource(flags, context, async (client) => {
      const { out, err } = context.terminal;
      // Tells a device that is not known from one without segments.
      await client.get(devicePath(hwid));
      const query = { hwid, from: flags.from, to: flags.to, stream: flags.stream, has_gaps: flags.gaps };
      const formatPart = formatTextTableParts(columns);
      let rows: string[][] = [];
      let [segmentCount, seconds] = [0, 0];
      for await (const segment of readPages<Segment>(client, "/segments", "segments", query)) {
        segmentCount += 1;
        seconds += segment.samples / segment.format.sample_rate_hz;
        if (flags.json) out.write(`${JSON.stringify(segment)}\n`);
        else rows.push(formatSegment(segment));
        if (rows.length < partRowCount) continue;
        out.write(formatPart(rows));
        rows = [];
      }
      if (flags.json) return;
      if (rows.length > 0) out.write(formatPart(rows));
      if (segmentCount === 0) out.write(`no segments of ${hwid} in this range\n`);
      else err.write(`${counted(segmentCount, "segment")}, ${formatDuration(seconds)}\n`);
    }),
  );
}

function formatSegment(segment: Segment): string[] {
  const { format, samples, gap_samples: gapSamples, peak_dbfs: peakDbfs, folder, name } = segment;
  const rateHz = format.sample_rate_hz;
  const notes = [
    ...(segment.evicted === null ? [] : ["evicted"]),
    ...(segment.pinned ? ["pinned"] : []),
    ...(segment.recovered ? ["recovered"] : []),
  ];
  return [
    formatLocalTime(segment.start),
    formatDuration(samples / rateHz),
    gapSamples === 0 ? "-" : formatDuration(gapSamples / rateHz),
    `${format.codec} ${rateHz} Hz${format.channels === 1 ? "" : ` x${format.channels}`}`,
    peakDbfs === null ? "-" : peakDbfs.toFixed(1),
    segment.upload_state === "none" ? "-" : segment.upload_state,
    notes.join(", "),
    folder === "" ? name : `${folder}/${name}`,
  ];
}
