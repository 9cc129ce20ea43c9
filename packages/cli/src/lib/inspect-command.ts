import { type Inspection, inspectBin } from "@eet/server";
import type { Command } from "commander";
import { type AssumedFormatFlags, addAssumedFormatFlags, readAssumedFormat } from "./assumed-format.ts";
import type { CommandContext } from "./command-context.ts";
import { exitCodes } from "./command-error.ts";
import { counted } from "./counted.ts";
import { requireFile } from "./path-store.ts";
import { runTool } from "./tool-error.ts";

/** Gaps told one by one. */
const maxToldGaps = 20;

/** Adds the command `inspect`. */
export function registerInspectCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("inspect <file>")
    .summary("tell what a .bin holds")
    .description(
      "Reads the frames of a .bin (or a .bin.part): format, duration, seq, gaps, nibble order, levels. Changes nothing.",
    );
  addAssumedFormatFlags(command)
    .option("--json", "as JSON")
    .addHelpText("after", "\nExit code: 0 when the file is frames to its end, 1 when not.");
  command.action(async (file: string, flags: AssumedFormatFlags & { readonly json?: boolean }) => {
    requireFile(file);
    const inspection = await runTool(() => inspectBin(file, readAssumedFormat(flags), null));
    context.terminal.out.write(flags.json ? `${JSON.stringify(inspection, null, 2)}\n` : describe(file, inspection));
    if (inspection.trailingBytes > 0) context.exitCode = exitCodes.failure;
  });
}

type Row = readonly [name: string, text: string];

function describe(file: string, inspection: Inspection): string {
  const { facts, formatSource, trailingBytes } = inspection;
  const { audio, gaps } = facts;
  const frameSamples =
    audio.frame_samples === 0 ? "frames of varying length" : `${audio.frame_samples} samples a frame`;
  const format = [audio.codec, `${audio.sample_rate_hz} Hz`, counted(audio.channels, "channel"), frameSamples];
  const seconds = facts.samples / audio.sample_rate_hz;
  const rows: readonly Row[] = [
    ["file", `${file}, ${facts.files.bin.bytes} bytes`],
    ...describeOrigin(inspection),
    ["format", `${format.join(", ")} (${formatSources[formatSource]})`],
    ["duration", `${seconds.toFixed(3)} s, ${facts.samples} samples a channel`],
    ["frames", `${facts.frames}, seq ${facts.first_seq} to ${facts.last_seq}, ${facts.duplicates} repeated`],
    ...describeGaps(gaps, audio.sample_rate_hz),
    ...describeNibbles(inspection),
    ["levels", describeLevels(facts.levels)],
    ...(trailingBytes === 0 ? [] : [["torn", `${trailingBytes} bytes behind the last whole frame`] as const]),
  ];
  return rows.map(([name, text]) => `${name.padEnd(10)}${text}\n`).join("");
}

const formatSources: Readonly<Record<Inspection["formatSource"], string>> = {
  sidecar: "as its sidecar says",
  "open segment": "as its .open.json says",
  assumed: "as given, it has no sidecar",
};

/** Without a sidecar nobody knows whose it is. */
function describeOrigin({ facts, formatSource }: Inspection): readonly Row[] {
  if (formatSource === "assumed") return [];
  const { hwid, stream_id: streamId, session, index, time } = facts;
  const device = hwid === null ? "a device without id" : `device ${hwid}`;
  return [
    ["recorded", `${new Date(time.start_ms).toISOString()} (${time.rule})`],
    ["from", `${device}, stream ${streamId}, session ${session}, segment ${index}`],
  ];
}

function describeGaps(gaps: Inspection["facts"]["gaps"], sampleRateHz: number): readonly Row[] {
  if (gaps.length === 0) return [["gaps", "none"]];
  const missing = gaps.reduce((sum, gap) => sum + gap.samples, 0) / sampleRateHz;
  const told = gaps
    .slice(0, maxToldGaps)
    .map((gap): Row => ["", `seq ${gap.from_seq} to ${gap.to_seq - 1}: ${counted(gap.samples, "sample")}`]);
  const more: readonly Row[] = gaps.length > told.length ? [["", `and ${gaps.length - told.length} more`]] : [];
  return [["gaps", `${gaps.length}, ${missing.toFixed(3)} s in all`], ...told, ...more];
}

const nibbleSources: Readonly<Record<NonNullable<Inspection["facts"]["nibble_order"]>["source"], string>> = {
  config: "as the device or the configuration says",
  exact: "found in the frames, exactly",
  statistical: "found in the frames, by statistics",
  cached: "from earlier frames of the device, these do not tell",
  default: "assumed, the frames do not tell",
};

function describeNibbles({ facts: { nibble_order: decided } }: Inspection): readonly Row[] {
  return decided === null ? [] : [["nibbles", `${decided.order} first (${nibbleSources[decided.source]})`]];
}

function describeLevels(levels: Inspection["facts"]["levels"]): string {
  if (levels === null) return "not decoded: multichannel ADPCM needs --adpcm-layout";
  const silentPercent = Math.round(levels.silent_share * 100);
  return (
    `peak ${levels.peak_dbfs} dBFS, rms ${levels.rms_dbfs} dBFS, ${levels.clipped_samples} clipped, ` +
    `${silentPercent} % silent, DC ${levels.dc_offset}`
  );
}
