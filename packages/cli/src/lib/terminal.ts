import type { Readable, Writable } from "node:stream";

/** Where a command writes text. */
export interface TextOutput {
  /** Whether a person watches, so that lines can be redrawn. */
  readonly isTty: boolean;
  readonly columns: number;
  readonly rows: number;
  write(text: string): void;
}

/** What a command sees of the outside; tests pass their own. */
export interface Terminal {
  readonly input: Readable;
  readonly isInputTty: boolean;
  /** Results. */
  readonly out: TextOutput;
  /** Results that are no text; the same place as {@link out}. */
  readonly binaryOut: Writable;
  /** Progress, notes and errors. */
  readonly err: TextOutput;
}

/** The part of `process` that makes a terminal. */
export interface StandardStreams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** Wraps a process's standard streams. Nothing is read before a command asks for input. */
export function createTerminal(streams: StandardStreams): Terminal {
  return {
    get input() {
      return streams.stdin;
    },
    get isInputTty() {
      return streams.stdin.isTTY === true;
    },
    out: createTextOutput(streams.stdout),
    binaryOut: streams.stdout,
    err: createTextOutput(streams.stderr),
  };
}

function createTextOutput(stream: NodeJS.WriteStream): TextOutput {
  // A reader that went away (`eet … | head`) is no reason to stop.
  stream.on("error", () => {});
  return {
    isTty: stream.isTTY === true,
    get columns() {
      return stream.columns ?? 80;
    },
    get rows() {
      return stream.rows ?? 24;
    },
    write: (text) => {
      stream.write(text);
    },
  };
}
