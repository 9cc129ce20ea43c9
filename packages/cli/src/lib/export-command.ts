import { resolve } from "node:path";
import { type Command, Option } from "commander";
import type { CommandContext } from "./command-context.ts";
import { CommandError, InterruptedError } from "./command-error.ts";
import { type ApiClient, devicePath } from "./library/api-client.ts";
import { addSourceFlags, type SourceFlags, withSource } from "./library/choose-source.ts";
import { createExportStream, type ExportTarget, openExportFile } from "./library/export-target-store.ts";
import { readHwid } from "./library/hwid-argument.ts";
import { readSession } from "./library/session-argument.ts";
import { formatBytes, formatDuration, formatZonedTime } from "./library/text-table.ts";
import { readTime, timeForms } from "./library/time-argument.ts";
import { wholeNumber } from "./number-argument.ts";
import { createLineReporter, createTableReporter } from "./stream/progress-reporter.ts";
import type { TextOutput } from "./terminal.ts";

interface ExportFlags extends SourceFlags {
  readonly from: string;
  readonly to?: string;
  readonly output: string;
  readonly format: "wav" | "flac" | "raw";
  readonly gaps: "silence" | "list";
  readonly stream?: number;
  readonly session?: string;
  readonly force?: true;
  readonly json?: true;
}

const maxStreamId = 2 ** 32 - 1;

const examples = `
Examples:
  eet export kitchen --from 14:30 --to 14:35 -o half-past-two.wav
  eet export kitchen --from -10m -o - --format raw | aplay -f S16_LE -r 16000
  eet export kitchen --from 2026-11-22 --to 2026-11-23 -o day.flac --format flac --url http://recorder:5096

Sample-exact, across segments, sessions and restarts; from the object store where the local files are gone.`;

/** Adds the command `export`. */
export function registerExportCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("export")
    .argument("<hwid>", "the device; ~ for what was recorded without an id", readHwid)
    .summary("write the audio of any range to one file")
    .description(
      "Writes what a device recorded in a range to one file. Times are those of this machine, in JSON those of UTC.",
    )
    .requiredOption("--from <time>", `start of the range: ${timeForms}`, readTime)
    .option("--to <time>", "end of the range (default: now)", readTime)
    .requiredOption("-o, --output <file>", "the file to write; - for standard output")
    .addOption(new Option("--format <format>", "what to write").choices(["wav", "flac", "raw"]).default("wav"))
    .addOption(
      new Option("--gaps <how>", "what is missing becomes silence, or is left out and listed")
        .choices(["silence", "list"])
        .default("silence"),
    )
    .option("--stream <id>", "the stream, where a device sent several at once", wholeNumber(0, maxStreamId))
    .option("--session <id>", "one session alone, where several of different formats overlap", readSession)
    .option("--force", "write over a file that is there")
    .option("--json", "say what was written as JSON");
  addSourceFlags(command).addHelpText("after", examples);
  command.action((hwid: string, flags: ExportFlags) =>
    withSource(flags, context, (client) => exportAudio(client, hwid, flags, context)),
  );
}

async function exportAudio(client: ApiClient, hwid: string, flags: ExportFlags, context: CommandContext) {
  const { terminal, folder, interruption } = context;
  const isPiped = flags.output === "-";
  const query = { from: flags.from, to: flags.to ?? new Date().toISOString() };
  const target = isPiped
    ? createExportStream(terminal.binaryOut)
    : await openExportFile(resolve(folder, flags.output), flags.force === true);
  try {
    const { stream, session, format, gaps } = flags;
    const response = await client.open(`${devicePath(hwid)}/audio`, { ...query, stream, session, format, gaps });
    const writtenBytes = await writeBody(response, target, terminal.err, interruption);
    await target.finish();
    const facts = describeAnswer(response, flags, writtenBytes);
    // What was piped is the result: nothing may stand among it.
    const where = isPiped ? terminal.err : terminal.out;
    where.write(flags.json ? `${JSON.stringify(facts)}\n` : formatFacts(facts));
  } catch (error) {
    await target.abandon();
    throw error;
  }
}

async function writeBody(
  response: Response,
  target: ExportTarget,
  output: TextOutput,
  interruption: AbortSignal,
): Promise<number> {
  const totalBytes = Number(response.headers.get("content-length") ?? Number.NaN);
  let writtenBytes = 0;
  const line = () => {
    const share =
      totalBytes > 0 ? ` of ${formatBytes(totalBytes)} (${Math.floor((writtenBytes / totalBytes) * 100)} %)` : "";
    return `exported ${formatBytes(writtenBytes)}${share}`;
  };
  const reporter = output.isTty ? createTableReporter(output, () => [line()]) : createLineReporter(output, line);
  reporter.start();
  try {
    for await (const bytes of readBody(response)) {
      if (interruption.aborted) throw new InterruptedError("interrupted: nothing was written");
      await target.write(bytes);
      writtenBytes += bytes.byteLength;
    }
  } finally {
    reporter.stop();
  }
  // A server that dies while it sends ends the answer early.
  if (!Number.isNaN(totalBytes) && writtenBytes !== totalBytes)
    throw new CommandError(
      `the audio ended after ${writtenBytes} of ${totalBytes} bytes; nothing was written, run it again`,
    );
  return writtenBytes;
}

/** @throws CommandError when whoever sends it goes away, or sees that the reader takes nothing for half a minute */
async function* readBody({ body }: Response): AsyncGenerator<Uint8Array> {
  try {
    yield* body ?? [];
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CommandError(`the audio ended before its end (${reason}); run it again`, { cause: error });
  }
}

/** What was written, by the answer's headers. */
interface ExportFacts {
  readonly file: string | null;
  readonly format: ExportFlags["format"];
  readonly bytes: number;
  readonly from: string;
  readonly to: string;
  readonly sample_rate_hz: number;
  readonly channels: number;
  /** Per channel. */
  readonly samples: number;
  readonly stream: number;
  readonly sessions: readonly string[];
  readonly gap_count: number;
  /** Per channel. */
  readonly gap_samples: number;
  /** The first 50. */
  readonly gaps: readonly { readonly start: string; readonly duration_s: number; readonly cause: string }[];
  /** By which rule sessions that overlap were resolved; `none`: none did. */
  readonly overlap: string;
}

function describeAnswer({ headers }: Response, flags: ExportFlags, bytes: number): ExportFacts {
  const text = (name: string) => headers.get(`eet-${name}`) ?? "";
  const number = (name: string) => Number(text(name));
  const gaps = text("gaps") === "none" ? [] : text("gaps").split(", ");
  return {
    file: flags.output === "-" ? null : flags.output,
    ...{ format: flags.format, bytes, from: text("from"), to: text("to") },
    ...{ sample_rate_hz: number("sample-rate"), channels: number("channels"), samples: number("samples") },
    ...{ stream: number("stream"), sessions: text("sessions").split(" ") },
    ...{ gap_count: number("gap-count"), gap_samples: number("gap-samples") },
    gaps: gaps.map((gap) => {
      const [start = "", seconds = "", cause = ""] = gap.split("/");
      return { start, duration_s: Number(seconds), cause };
    }),
    overlap: text("overlap"),
  };
}

function formatFacts(facts: ExportFacts): string {
  const { file, format, bytes, from, to, sample_rate_hz: rateHz, channels, samples, sessions, overlap } = facts;
  const missing =
    facts.gap_count === 0 ? "none" : `${facts.gap_count}, ${formatDuration(facts.gap_samples / rateHz)} in all`;
  const rows = [
    ["written", `${file ?? "standard output"}, ${format}, ${formatBytes(bytes)}`],
    ["range", `${formatZonedTime(from)} to ${formatZonedTime(to)}`],
    [
      "audio",
      `${formatDuration(samples / rateHz)}, ${samples} samples a channel, ${rateHz} Hz, ${channels} channel${channels === 1 ? "" : "s"}`,
    ],
    ["sessions", String(sessions.length)],
    ["gaps", missing],
    ...facts.gaps.map(({ start, duration_s, cause }) => [
      "",
      `${formatZonedTime(start)} ${formatDuration(duration_s)} ${cause}`,
    ]),
    ...(overlap === "none" ? [] : [["overlap", `sessions overlap: ${overlap}`]]),
  ];
  return rows.map(([name = "", text = ""]) => `${name.padEnd(10)}${text}\n`).join("");
}
