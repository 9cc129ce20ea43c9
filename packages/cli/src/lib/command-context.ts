import type { Terminal } from "./terminal.ts";

/** What every command is given; `main.ts` makes it. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Working folder: settings files are read from it. */
  readonly folder: string;
  /** Aborted by the first SIGINT or SIGTERM: end cleanly. A second one ends the process at once. */
  readonly interruption: AbortSignal;
  /** Aborted by that second one, right before: whoever listens can only say what is left, and at once. */
  readonly abandonment: AbortSignal;
  /** Has SIGHUP call the listener, instead of ending the process. */
  readonly onHangup: (listener: () => void) => void;
  /** What the process ends with; a command sets it when it is not 0 and it has nothing to throw. */
  exitCode: number;
}
