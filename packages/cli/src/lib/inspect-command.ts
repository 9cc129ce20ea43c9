import { type Inspection, inspectBin } from "@eet/server";
import type { Command } from "commander";
import { type AssumedFormatFlags, addAssumedFormatFlags, readAssumedFormat } from "./assumed-format.ts";
import type { CommandContext } from "./command-context.ts";
import { requirePath, runTool } from "./tool-error.ts";

/** Adds the command `inspect`. */
export function registerInspectCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("inspect <file>")
    .summary("tell what a .bin holds")
    .description(
      "Reads the frames of a .bin (or .bin.part): codec, seq, gaps, nibble order, duration, levels. Changes nothing.",
    );
  addAssumedFormatFlags(command).option("--json", "as JSON");
  command.action(async (file: string, flags: AssumedFormatFlags & { readonly json?: boolean }) => {
    requirePath(file);
    const inspection = await runTool(() => inspectBin(file, readAssumedFormat(flags), null));
    context.terminal.out.write(flags.json ? `${JSON.stringify(inspection, null, 2)}\n` : describe(file, inspection));
    if (inspection.trailingBytes > 0) context.exitCode = 1;
  });
}

function describe(file: string, { facts, formatSource, trailingBytes, verdict }: Inspection): string {
  const { audio, levels, nibble_order: order, gaps } = facts;
  const seconds = facts.samples / audio.sample_rate_hz;
  const missing = gaps.reduce((sum, gap) => sum + gap.samples, 0) / audio.sample_rate_hz;
  const foundBy =
    verdict === undefined ? "the frames do not tell" : `the frames tell ${verdict.order} (${verdict.source})`;
  const frameSamples = audio.frame_samples === 0 ? "varying" : audio.frame_samples;
  const rows: readonly (readonly [string, string] | undefined)[] = [
    ["file", `${file} (${facts.files.bin.bytes} bytes)`],
    [
      "format",
      `${audio.codec}, ${audio.sample_rate_hz} Hz, ${audio.channels} ch, ${frameSamples} samples a frame (${formatSource})`,
    ],
    ["duration", `${seconds.toFixed(3)} s, ${facts.samples} samples a channel`],
    ["frames", `${facts.frames}, seq ${facts.first_seq} to ${facts.last_seq}, ${facts.duplicates} repeated`],
    ["gaps", gaps.length === 0 ? "none" : `${gaps.length}, ${missing.toFixed(3)} s in all`],
    ...gaps
      .slice(0, 20)
      .map((gap) => ["", `seq ${gap.from_seq} to ${gap.to_seq - 1}: ${gap.samples} samples`] as const),
    order === null ? undefined : ["nibbles", `${order.order} first (${order.source}); ${foundBy}`],
    levels === null
      ? ["levels", "not decoded: multichannel ADPCM needs --adpcm-layout"]
      : [
          "levels",
          `peak ${levels.peak_dbfs} dBFS, rms ${levels.rms_dbfs} dBFS, ${levels.clipped_samples} clipped, ` +
            `${Math.round(levels.silent_share * 100)} % silent, DC ${levels.dc_offset}`,
        ],
    trailingBytes === 0 ? undefined : ["torn", `${trailingBytes} bytes behind the last whole frame`],
  ];
  return rows.flatMap((row) => (row === undefined ? [] : [`${row[0].padEnd(10)}${row[1]}\n`])).join("");
}
