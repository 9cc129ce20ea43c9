import { limits } from "@eet/protocol";
import { type Command, Option } from "commander";
import type { CommandContext } from "./command-context.ts";
import { positiveNumber, wholeNumber } from "./number-argument.ts";
import { runStream } from "./stream/run-stream.ts";
import { parseStreamFlags, type StreamFlags } from "./stream/stream-options.ts";

// The help wraps paragraphs by itself.
const description = [
  "Streams audio to a server, as one device or as many.",
  "",
  "The audio is a WAV file (8, 16, 24 or 32-bit PCM or float, any rate and channel count the server takes) or, with" +
    ' "--wav -", what another program writes: WAV, or headerless 16-bit samples with --raw. It is sent as 16 bit, either' +
    " as it is (--codec pcm) or in a quarter of the size (--codec adpcm, one channel only).",
].join("\n");

const examples = `
Examples:
  eet stream                                     the bundled test tone, as fast as the server takes it
  eet stream --wav talk.wav --hwid kitchen --realtime
  eet stream --wav music.wav --codec pcm         stereo and more
  eet stream --streams 50 --hwid test --loop --realtime --seconds 60
  arecord -f S16_LE -r 16000 -t wav | eet stream --wav -
  ffmpeg -i in.mp3 -f s16le -ac 1 -ar 16000 - | eet stream --wav - --raw

It does not reconnect: a stream that the server closes or that breaks has failed, and the reason is shown.
Ctrl-C stops sending and closes cleanly; a second one ends at once.

Exit code: 0 when every stream was delivered and closed cleanly (an endless one, by --loop or from standard input
without --seconds, also after Ctrl-C), 1 when one failed, 2 for wrong options, 130 when interrupted before the end.`;

/** Adds the command `stream`. */
export function registerStreamCommand(program: Command, context: CommandContext): void {
  program
    .command("stream")
    .summary("stream audio to a server, as one device or as many")
    .description(description)
    .option("--wav <file>", 'WAV file, or "-" for standard input (default: data/sine_pcm16.wav)')
    .option("--raw", "the input is headerless 16-bit little-endian PCM")
    .option("--rate <hz>", "sample rate of --raw input (default: 16000)", wholeNumber(1, limits.maxSampleRateHz))
    .option("--channels <n>", "channels of --raw input (default: 1)", wholeNumber(1, limits.maxChannels))
    .addOption(new Option("--codec <name>", "how to send the audio").choices(["adpcm", "pcm"]).default("adpcm"))
    .addOption(
      new Option("--nibble-order <order>", "which ADPCM code of a byte comes first")
        .choices(["low", "high"])
        .default("low"),
    )
    .option("--url <url>", "the server's endpoint", `ws://localhost:${limits.defaultPort}/ws`)
    .option("--hwid <id>", "device id, put behind the URL; with several streams ID-1 to ID-N")
    .option("--streams <n>", "connections in parallel", wholeNumber(1, 65_535), 1)
    .option("--stream-id-base <id>", "the first stream's id, the others count up", wholeNumber(0, 0xffff_ffff), 1)
    .option("--frame-ms <ms>", "length of a frame", wholeNumber(1, 16_000), 20)
    .option("--realtime", "send at the speed of sound; live input sets its own speed")
    .option("--loop", "start the file again at its end, until Ctrl-C or --seconds")
    .option("--seconds <n>", "stop each stream after so much audio", positiveNumber)
    .option("--json", "a JSON object per second and a last one with the summary, on standard output")
    .addHelpText("after", examples)
    .action(async (flags: StreamFlags) => {
      context.exitCode = await runStream(parseStreamFlags(flags), context);
    });
}
