import type { WavFormat } from "@eet/audio";
import { limits, type StreamFormat } from "@eet/protocol";
import type { CommandContext } from "../command-context.ts";
import { CommandError, exitCodes, UsageError } from "../command-error.ts";
import type { Terminal } from "../terminal.ts";
import { openAudioInput } from "./audio-input.ts";
import { frameSampleCountOf } from "./frame-encoder.ts";
import { FileFrameSource, type FrameSource, PipeFrameSource } from "./frame-source.ts";
import { Pacer } from "./pacer.ts";
import { PcmFile } from "./pcm-file.ts";
import type { PcmPipe } from "./pcm-pipe.ts";
import { createLineReporter, createTableReporter, type ProgressReporter } from "./progress-reporter.ts";
import type { StreamOptions } from "./stream-options.ts";
import {
  formatFailures,
  formatProgressLine,
  formatSummary,
  formatTable,
  toProgressRecord,
  toSummaryRecord,
} from "./stream-report.ts";
import { type StreamPlan, StreamRun } from "./stream-run.ts";
import { type StreamTotals, sumStreams } from "./stream-totals.ts";

/** Connections that are opened at a time: more would overflow the server's queue of new ones. */
const maxOpeningCount = 64;

/**
 * Streams the audio and shows how it goes.
 *
 * @returns the exit code
 * @throws CommandError when there is nothing to stream
 */
export async function runStream(options: StreamOptions, { terminal, interruption }: CommandContext): Promise<number> {
  const input = await openAudioInput(options, terminal, interruption);
  try {
    const format = toStreamFormat(input.format, options);
    noteConversion(input.format, terminal);
    const plan = makePlan(input, format, options, interruption);
    const runs = options.targets.map((target, index) => new StreamRun(target, index / options.targets.length, plan));
    const startMs = performance.now();
    const sum = () => sumStreams(runs, format.sampleRateHz, (performance.now() - startMs) / 1000);
    const reporter = createReporter(runs, sum, format, options, terminal);
    reporter.start();
    await runAll(runs).finally(() => reporter.stop());
    report(runs, sum(), options, terminal);
    return exitCodeOf(sum());
  } finally {
    await input.close();
  }
}

/** Whether and how the wire can carry the audio. [P-1.1] */
function toStreamFormat({ sampleRateHz, channels }: WavFormat, { codec, frameMs }: StreamOptions): StreamFormat {
  if (sampleRateHz < limits.minSampleRateHz || sampleRateHz > limits.maxSampleRateHz) {
    throw new CommandError(
      `the audio has ${sampleRateHz} Hz, ${limits.minSampleRateHz} to ${limits.maxSampleRateHz} Hz can be sent: resample it, for example with "sox in.wav -r 16000 out.wav"`,
    );
  }
  if (channels > limits.maxChannels) {
    throw new CommandError(
      `the audio has ${channels} channels, 1 to ${limits.maxChannels} can be sent: mix it down, for example with "sox in.wav -c 1 out.wav"`,
    );
  }
  if (codec === "adpcm" && channels > 1) {
    // Devices disagree on the layout of multichannel ADPCM, so there is none to choose here. [P-1.7]
    throw new UsageError(`the audio has ${channels} channels, --codec adpcm carries one: add --codec pcm`);
  }
  return { codec, sampleRateHz, channels, frameSampleCount: frameSampleCountOf(frameMs, sampleRateHz, codec) };
}

function noteConversion({ sampleFormat }: WavFormat, { err }: Terminal): void {
  if (sampleFormat === "s16") return;
  const kind = sampleFormat.startsWith("f") ? "float" : "integer";
  err.write(`eet stream: note: ${sampleFormat.slice(1)}-bit ${kind} samples are sent as 16 bit\n`);
}

function makePlan(
  input: PcmFile | PcmPipe,
  format: StreamFormat,
  options: StreamOptions,
  interruption: AbortSignal,
): StreamPlan {
  const frameMs = (format.frameSampleCount * 1000) / format.sampleRateHz;
  return {
    url: options.url,
    format,
    source: createSource(input, format, options),
    pacer: options.isRealtime ? new Pacer(frameMs, interruption) : undefined,
    isEndless: options.maxSeconds === undefined && (options.isLoop || !(input instanceof PcmFile)),
    interruption,
  };
}

function createSource(input: PcmFile | PcmPipe, format: StreamFormat, options: StreamOptions): FrameSource {
  const { maxSeconds = Number.POSITIVE_INFINITY, isLoop, nibbleOrder } = options;
  const coding = { format, nibbleOrder };
  const maxSampleCount = Math.max(1, Math.round(maxSeconds * format.sampleRateHz));
  if (!(input instanceof PcmFile)) return new PipeFrameSource(input, coding, maxSampleCount);
  return new FileFrameSource(input, coding, isLoop ? maxSampleCount : Math.min(maxSampleCount, input.sampleCount));
}

function createReporter(
  runs: readonly StreamRun[],
  sum: () => StreamTotals,
  { sampleRateHz }: StreamFormat,
  { isJson }: StreamOptions,
  { out, err }: Terminal,
): ProgressReporter {
  if (isJson) return createLineReporter(out, () => JSON.stringify(toProgressRecord(sum())));
  if (!err.isTty) return createLineReporter(err, () => formatProgressLine(sum()));
  return createTableReporter(err, () =>
    formatTable(runs, sum(), sampleRateHz, { width: err.columns, height: err.rows }),
  );
}

/** Opens the streams a few at a time; each sends from when it is open. */
async function runAll(runs: readonly StreamRun[]): Promise<void> {
  const waiting = runs.values();
  const sending: Promise<void>[] = [];
  const openInTurn = async () => {
    // All openers take from one iterator: each run is opened once.
    for (const run of waiting) {
      const stream = await run.open();
      if (stream) sending.push(run.send(stream));
    }
  };
  await Promise.all(Array.from({ length: maxOpeningCount }, openInTurn));
  await Promise.all(sending);
}

function report(
  runs: readonly StreamRun[],
  totals: StreamTotals,
  { isJson }: StreamOptions,
  { out, err }: Terminal,
): void {
  for (const line of formatFailures(runs)) err.write(`eet stream: ${line}\n`);
  out.write(`${isJson ? JSON.stringify(toSummaryRecord(runs, totals)) : formatSummary(totals)}\n`);
}

function exitCodeOf({ countByState, streamCount }: StreamTotals): number {
  if (countByState.failed > 0) return exitCodes.failure;
  return countByState.complete === streamCount ? exitCodes.success : exitCodes.interrupted;
}
