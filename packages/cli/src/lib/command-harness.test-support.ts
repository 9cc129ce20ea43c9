// Runs commands inside the test's own process, with every outside thing in the test's hands.
import { tmpdir } from "node:os";
import { PassThrough, type Readable, Writable } from "node:stream";
import { registerCommands } from "./commands.ts";
import { createProgram, runProgram } from "./program.ts";
import type { TextOutput } from "./terminal.ts";

export interface HarnessOptions {
  readonly input?: Readable;
  readonly isTty?: boolean;
  readonly rows?: number;
  readonly columns?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Default: the system's folder of temporary files, where no settings lie. */
  readonly folder?: string;
  readonly interruption?: AbortSignal;
  /** Told what is written to standard output, as it comes. */
  readonly onOut?: (text: string) => void;
  readonly abandonment?: AbortSignal;
}

export interface Outcome {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
  /** What was written as bytes. */
  readonly bytes: Buffer;
}

/** Runs `eet` with these arguments to its end. */
export async function runEet(args: readonly string[], options: HarnessOptions = {}): Promise<Outcome> {
  const out = createCollector(options, options.onOut);
  const err = createCollector(options);
  const chunks: Buffer[] = [];
  const binaryOut = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk);
      done();
    },
  });
  const input = { input: options.input ?? new PassThrough(), isInputTty: options.input === undefined };
  const context = {
    terminal: { ...input, out, err, binaryOut },
    env: options.env ?? {},
    folder: options.folder ?? tmpdir(),
    interruption: options.interruption ?? new AbortController().signal,
    abandonment: options.abandonment ?? new AbortController().signal,
    onHangup: () => {},
    exitCode: 0,
  };
  const program = createProgram(context);
  await registerCommands(program, context, args[0]);
  const exitCode = await runProgram(program, args, context);
  // Those who compare whole outcomes want to see no empty bytes.
  const bytes = { value: Buffer.concat(chunks), enumerable: false };
  return Object.defineProperty({ exitCode, out: out.text, err: err.text }, "bytes", bytes) as Outcome;
}

function createCollector(
  { isTty = false, rows = 24, columns = 80 }: HarnessOptions,
  onText?: (text: string) => void,
): TextOutput & { readonly text: string } {
  let text = "";
  return {
    isTty,
    rows,
    columns,
    get text() {
      return text;
    },
    write: (more) => {
      text += more;
      onText?.(more);
    },
  };
}
