import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { bundledRecordingPath } from "../bundled-recording-store.ts";
import { UsageError } from "../command-error.ts";
import type { Terminal } from "../terminal.ts";
import { openPcmFile, type PcmFile } from "./pcm-file.ts";
import { openPcmPipe, type PcmPipe } from "./pcm-pipe.ts";
import type { StreamOptions } from "./stream-options.ts";

/**
 * Opens what `--wav` names: a file, standard input (`-`), or anything else that can be read once, as a named pipe.
 *
 * @param signal - ends a pipe's audio
 * @throws CommandError when it cannot be read or does not go with the other options
 */
export async function openAudioInput(
  options: StreamOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<PcmFile | PcmPipe> {
  const path = options.path ?? bundledRecordingPath("sine_pcm16.wav");
  if (path === "-") {
    if (terminal.isInputTty) {
      throw new UsageError(
        "standard input is the keyboard: pipe audio in, as in `arecord -t wav | eet stream --wav -`",
      );
    }
    return openPipe("standard input", terminal.input, options, signal);
  }
  // What does not exist is left to the open, which says so.
  const isPipe = await stat(path).then(
    (stats) => stats.isFIFO() || stats.isCharacterDevice(),
    () => false,
  );
  return isPipe ? openPipe(path, createReadStream(path), options, signal) : openPcmFile(path, options.raw);
}

async function openPipe(name: string, input: Readable, options: StreamOptions, signal: AbortSignal): Promise<PcmPipe> {
  if (options.isLoop) throw new UsageError(`--loop needs a file, ${name} cannot start again: give --wav FILE`);
  if (options.targets.length > 1) throw new UsageError(`${name} feeds one stream: use --streams 1 or --wav FILE`);
  return openPcmPipe(name, input, options.raw, signal);
}
