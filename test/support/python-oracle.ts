import { spawnSync } from "node:child_process";

/**
 * Runs a Python script on the system's Python, which still has `audioop`.
 *
 * @param script - the program's text; it reads `sys.stdin.buffer` and writes `sys.stdout.buffer`.
 * @param input - its standard input.
 * @param args - `sys.argv[1:]`.
 * @returns its standard output.
 * @throws Error with Python's message when it fails.
 */
export function runPython(script: string, input: Uint8Array, ...args: readonly string[]): Uint8Array {
  return runOracle("/usr/bin/python3", ["-W", "ignore", "-c", script, ...args], input);
}

/** Runs any other command the same way: bytes in, bytes out, an error when it fails. */
export function runOracle(command: string, args: readonly string[], input: Uint8Array = new Uint8Array()): Uint8Array {
  const result = spawnSync(command, args, { input, maxBuffer: 256 * 1024 * 1024 });
  if (result.status !== 0) {
    throw new Error(`${command} ended with ${result.status}: ${result.stderr}`, { cause: result.error });
  }
  return result.stdout;
}

/** What a device sends, as far as it changes how its ADPCM decodes. */
export interface AdpcmPlan {
  /** Samples in a full frame. */
  readonly frameSampleCount: number;
  /** Samples sent; the source starts again at its end. */
  readonly sampleCount: number;
  /** Frames end where the source does, and the encoder starts anew there. */
  readonly isReset?: boolean;
}

const adpcmRoundTrip = `
import audioop, struct, sys
frame_bytes, total_bytes = int(sys.argv[1]) * 2, int(sys.argv[2]) * 2
source = sys.stdin.buffer.read()
passes = -(-total_bytes // len(source))
runs = [source] * passes if sys.argv[3] == "reset" else [source * passes]
left = total_bytes
for run in runs:
    run = run[:left]
    left -= len(run)
    state = (0, 0)
    for at in range(0, len(run), frame_bytes):
        pcm = run[at:at + frame_bytes]
        codes, following = audioop.lin2adpcm(pcm, 2, state)
        sys.stdout.buffer.write(audioop.adpcm2lin(codes, 2, state)[0])
        if len(pcm) % 4:
            sys.stdout.buffer.write(struct.pack("<h", following[0]))
        state = following
`;

/** What `audioop` decodes of what it encodes, frame by frame, the code that it drops of an odd frame included. */
export function roundTripAdpcm(source: Uint8Array, plan: AdpcmPlan): Uint8Array {
  const { frameSampleCount, sampleCount, isReset = false } = plan;
  const args = [String(frameSampleCount), String(sampleCount), isReset ? "reset" : "continue"];
  return runPython(adpcmRoundTrip, source, ...args);
}
