// Runs commands inside the test's own process, with every outside thing in the test's hands.
import { tmpdir } from "node:os";
import { PassThrough, type Readable } from "node:stream";
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
}

export interface Outcome {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `eet` with these arguments to its end. */
export async function runEet(args: readonly string[], options: HarnessOptions = {}): Promise<Outcome> {
  const out = createCollector(options);
  const err = createCollector(options);
  const context = {
    terminal: { input: options.input ?? new PassThrough(), isInputTty: options.input === undefined, out, err },
    env: options.env ?? {},
    folder: options.folder ?? tmpdir(),
    interruption: options.interruption ?? new AbortController().signal,
    exitCode: 0,
  };
  const program = createProgram(context);
  await registerCommands(program, context, args[0]);
  const exitCode = await runProgram(program, args, context);
  return { exitCode, out: out.text, err: err.text };
}

function createCollector({
  isTty = false,
  rows = 24,
  columns = 80,
}: HarnessOptions): TextOutput & { readonly text: string } {
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
    },
  };
}
