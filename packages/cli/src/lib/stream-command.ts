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
  "",
  "Audio is kept until the server has acknowledged that it is on stable storage; a connection that breaks is made again" +
    " and goes on where the server says. A server that does not acknowledge is sent version 1, and that is said.",
].join("\n");

const examples = `
Examples:
  eet stream                                     the bundled test tone, as fast as the server takes it
  eet stream --wav talk.wav --hwid kitchen --realtime
  eet stream --wav music.wav --codec pcm         stereo and more
  eet stream --streams 50 --hwid test --loop --realtime --seconds 60
  arecord -f S16_LE -r 16000 -t wav | eet stream --wav -
  ffmpeg -i in.mp3 -f s16le -ac 1 -ar 16000 - | eet stream --wav - --raw
  eet stream --wav - --hwid attic --spool spool  keeps on disk what is not acknowledged: through crashes, days offline
  eet stream --wav - --raw --spool spool < /dev/null   only what earlier runs left in the spool
  eet stream --url wss://eet.example.org:5096/ws --ca ca.pem --hwid kitchen --cert kitchen.pem --key kitchen.key
  eet stream --plain                             version 1 of the protocol, as devices without acknowledgements speak it

What waits for the server is in memory: of live audio (--realtime, or a pipe) the last 60 seconds, 16 MiB at most; what
is older is dropped when the connection is away for longer, and counted as dropped. A file, or a pipe that runs ahead of
the clock, waits instead. With --spool audio goes to the disk when it does not get to the server, and what an earlier run
left there is sent as well, behind what is live; the oldest is dropped only when the spool is full of live audio.

Ctrl-C stops reading and waits until everything is durable; a second one ends at once, what is in the spool stays there.
With --plain nothing is kept or sent again: a stream that breaks has failed.

Exit code: 0 when everything is durable, with what an earlier run left in the spool (an endless stream, by --loop or from
a pipe without --seconds, also after Ctrl-C; where the server does not acknowledge: when every stream was sent and closed
cleanly), 1 when a stream failed or audio was dropped, 2 for wrong options, 130 when interrupted before the end.`;

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
    .option("--plain", "send version 1 of the protocol: no acknowledgements, no reconnecting")
    .option("--ca <file>", "for wss://: PEM file of the authority of the server's certificate")
    .option("--cert <file>", "for wss://: PEM file of the device's own certificate, where the server asks for one")
    .option("--key <file>", "its private key")
    .option(
      "--token <token>",
      "secret of the device, sent as Authorization: Bearer; better in EET_TOKEN, which `ps` does not show",
    )
    .option(
      "--give-up-s <n>",
      "fail after so many seconds without a connection, 0 for never (default: 60; never with --spool; at once when nothing listens at the very first try)",
      wholeNumber(0, 1_000_000),
    )
    .option("--spool <dir>", "folder for audio that is not acknowledged yet; one process at a time")
    .option("--spool-mb <n>", "most MiB in the spool (default: 1024)", wholeNumber(1, 1_000_000))
    .option("--json", "a JSON object per second and a last one with the summary, on standard output")
    .addHelpText("after", examples)
    .action(async (flags: StreamFlags) => {
      context.exitCode = await runStream(parseStreamFlags(flags, context.env), context);
    });
}
