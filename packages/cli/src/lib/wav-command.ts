import { existsSync, renameSync, rmSync } from "node:fs";
import { inspectBin } from "@eet/server";
import type { Command } from "commander";
import { type AssumedFormatFlags, addAssumedFormatFlags, readAssumedFormat } from "./assumed-format.ts";
import type { CommandContext } from "./command-context.ts";
import { CommandError } from "./command-error.ts";
import { requirePath, runTool } from "./tool-error.ts";

interface WavFlags extends AssumedFormatFlags {
  readonly output?: string;
  readonly force?: boolean;
}

/** Adds the command `wav`. */
export function registerWavCommand(program: Command, { terminal }: CommandContext): void {
  const command = program
    .command("wav <file>")
    .summary("derive the WAV of a .bin again")
    .description(
      "Decodes a .bin to a WAV beside it. With its sidecar the result is what the server made, byte for byte.",
    );
  addAssumedFormatFlags(command)
    .option("-o, --output <file>", "where to write (default: the .bin's name with .wav)")
    .option("-f, --force", "write over a file that is there");
  command.action(async (file: string, flags: WavFlags) => {
    requirePath(file);
    const output = flags.output ?? `${file.replace(/\.bin(\.part)?$/, "")}.wav`;
    if (existsSync(output) && flags.force !== true) {
      throw new CommandError(
        `${output} is there already; write over it with --force, or name another file with --output`,
      );
    }
    // Under another name until it is whole: nobody must take half a WAV for one.
    const partPath = `${output}.part`;
    const { facts, rendering, trailingBytes } = await runTool(() =>
      inspectBin(file, readAssumedFormat(flags), partPath),
    );
    if (rendering === null) {
      rmSync(partPath, { force: true });
      throw new CommandError(
        `${file} is multichannel ADPCM, which does not tell its layout; give it with --adpcm-layout`,
      );
    }
    renameSync(partPath, output);
    const seconds = (rendering.sampleCount / facts.audio.sample_rate_hz).toFixed(3);
    terminal.out.write(`${output}: ${seconds} s, ${rendering.wav.bytes} bytes, sha256 ${rendering.wav.sha256}\n`);
    if (trailingBytes > 0)
      terminal.err.write(`note: ${trailingBytes} bytes behind the last whole frame were left out\n`);
  });
}
