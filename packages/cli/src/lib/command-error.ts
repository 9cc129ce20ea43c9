/** Exit codes of every command. */
export const exitCodes = { success: 0, failure: 1, usage: 2, interrupted: 130 } as const;

/** A command cannot go on for a reason its user can act on; shown as one line, without a stack. */
export class CommandError extends Error {
  override readonly name: string = "CommandError";
  readonly exitCode: number = exitCodes.failure;
}

/** Whoever was asked does not answer now: it may later. */
export class AwayError extends CommandError {
  override readonly name: string = "AwayError";
}

/** The options contradict each other or the input. */
export class UsageError extends CommandError {
  override readonly name: string = "UsageError";
  override readonly exitCode: number = exitCodes.usage;
}

/** Ctrl-C came before there was anything to end cleanly. */
export class InterruptedError extends CommandError {
  override readonly name: string = "InterruptedError";
  override readonly exitCode: number = exitCodes.interrupted;
}
