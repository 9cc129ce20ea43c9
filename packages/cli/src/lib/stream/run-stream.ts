import type { WavFormat } from "@eet/audio";
import type { CommandContext } from "../command-context.ts";
import type { Terminal } from "../terminal.ts";
import { openAudioInput } from "./audio-input.ts";
import type { PcmFile } from "./pcm-file.ts";
import type { PcmPipe } from "./pcm-pipe.ts";
import type { StreamOptions } from "./stream-options.ts";
import { createRuns, type RunOptions, toStreamFormat } from "./stream-plan.ts";
import type { StreamRun } from "./stream-run.ts";
import { StreamSpool } from "./stream-spool.ts";
import { StreamView } from "./stream-view.ts";
import { readTlsIdentity } from "./tls-files-store.ts";

/** Connections that are opened at a time: more would overflow the server's queue of new ones. */
const maxOpeningCount = 64;
const plainNote = "note: the server does not acknowledge: frames are sent, what is delivered cannot be told";

/**
 * Streams the audio and shows how it goes.
 *
 * @returns the exit code
 * @throws CommandError when there is nothing to stream, or the spool cannot be used
 */
export async function runStream(options: StreamOptions, context: CommandContext): Promise<number> {
  const tls = await readTlsIdentity(options.tlsPaths);
  const input = await openAudioInput(options, context.terminal, context.interruption);
  try {
    return await streamInput(input, { ...options, tls }, context);
  } finally {
    await input.close();
  }
}

async function streamInput(input: PcmFile | PcmPipe, options: RunOptions, context: CommandContext): Promise<number> {
  const format = toStreamFormat(input.format, options);
  noteConversion(input.format, context.terminal);
  let view: StreamView | undefined;
  const tell = (text: string) => {
    if (view === undefined) context.terminal.err.write(`eet stream: ${text}\n`);
    else view.tell(text);
  };
  const spool = options.spool && (await StreamSpool.open(options.spool, tell));
  try {
    if (spool?.hadEarlier) tell(`note: earlier runs left ${spool.amount.earlierS.toFixed(1)} s, they are sent as well`);
    const runs = createRuns(input, format, options, context.interruption, spool, () => tell(plainNote));
    view = new StreamView(runs, format.sampleRateHz, spool, options, context);
    view.start();
    await runAll(runs).finally(() => view?.stop());
    return view.report();
  } finally {
    await spool?.close();
  }
}

function noteConversion({ sampleFormat }: WavFormat, { err }: Terminal): void {
  if (sampleFormat === "s16") return;
  const kind = sampleFormat.startsWith("f") ? "float" : "integer";
  err.write(`eet stream: note: ${sampleFormat.slice(1)}-bit ${kind} samples are sent as 16 bit\n`);
}

/** Opens the streams a few at a time; each goes on by itself from then on. */
async function runAll(runs: readonly StreamRun[]): Promise<void> {
  const waiting = runs.values();
  const openInTurn = async () => {
    // All openers take from one iterator: each run is opened once.
    for (const run of waiting) await run.open();
  };
  await Promise.all(Array.from({ length: maxOpeningCount }, openInTurn));
  await Promise.all(runs.map(({ ended }) => ended));
}
