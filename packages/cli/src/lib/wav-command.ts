import { inspectBin } from "@eet/server";
import type { Command } from "commander";
import { type AssumedFormatFlags, addAssumedFormatFlags, readAssumedFormat } from "./assumed-format.ts";
import type { CommandContext } from "./command-context.ts";
import { CommandError } from "./command-error.ts";
import { requireFile, requireNothing, writeWhole } from "./path-store.ts";
import { runTool } from "./tool-error.ts";

interface WavFlags extends AssumedFormatFlags {
  readonly output?: string;
  readonly force?: boolean;
}

const description = [
  "Decodes a .bin to a WAV. With its sidecar (.json) beside it the result is what the server made, byte for byte.",
  "",
  "Without a sidecar the frames tell the codec and mostly the nibble order; the sample rate must be given.",
].join("\n");

const examples = `
Examples:
  eet wav data/received/probe/stream_1_probe_20250102_030405_1a2b3c-0.bin
  eet wav lone.bin --rate 16000 --output lone.wav`;

/** Adds the command `wav`. */
export function registerWavCommand(program: Command, { terminal }: CommandContext): void {
  const command = program
    .command("wav <file>")
    .summary("derive the WAV of a .bin again")
    .description(description)
    .option("-o, --output <file>", "where to write (default: beside the .bin, with .wav)")
    .option("-f, --force", "write over a file that is there");
  addAssumedFormatFlags(command).addHelpText("after", examples);
  command.action(async (file: string, flags: WavFlags) => {
    requireFile(file);
    const output = flags.output ?? `${file.replace(/\.bin(\.part)?$/, "")}.wav`;
    if (flags.force !== true) requireNothing(output);
    const { rendering, sampleRateHz, trailingBytes } = await deriveWav(file, flags, output);
    const seconds = (rendering.sampleCount / sampleRateHz).toFixed(3);
    terminal.out.write(`${output}: ${seconds} s, ${rendering.wav.bytes} bytes, sha256 ${rendering.wav.sha256}\n`);
    if (trailingBytes > 0) {
      terminal.err.write(`note: ${trailingBytes} bytes behind the last whole frame were left out\n`);
    }
  });
}

async function deriveWav(file: string, flags: AssumedFormatFlags, output: string) {
  return writeWhole(output, async (partPath) => {
    const { facts, rendering, trailingBytes } = await runTool(() =>
      inspectBin(file, readAssumedFormat(flags), partPath),
    );
    if (rendering === null) {
      throw new CommandError(
        `${file} is multichannel ADPCM, which does not tell its layout; give it with --adpcm-layout`,
      );
    }
    return { rendering, sampleRateHz: facts.audio.sample_rate_hz, trailingBytes };
  });
}
