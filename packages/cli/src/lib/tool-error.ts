import { ConfigError, ServerError } from "@eet/server";
import { CommandError } from "./command-error.ts";

/** Runs a part of the server; errors that the user can act on become lines that say how. */
export async function runTool<T>(tool: () => Promise<T>): Promise<T> {
  try {
    return await tool();
  } catch (error) {
    throw toCommandError(error);
  }
}

function toCommandError(error: unknown): unknown {
  // Its message says for each setting what to do.
  if (error instanceof ConfigError) return new CommandError(error.message, { cause: error });
  if (error instanceof ServerError) {
    const fix = toldByMessage.has(error.code) ? "" : `. ${error.row.fix}`;
    return new CommandError(`${error.message}${fix}`, { cause: error });
  }
  if (!isSystemError(error)) return error;
  const advice = adviceByCode[error.code];
  return new CommandError(advice === undefined ? error.message : `${error.message}; ${advice}`, { cause: error });
}

/** Errors whose fix speaks of a running server: at the command line the message alone says more. */
const toldByMessage: ReadonlySet<string> = new Set<ServerError["code"]>(["SEGMENT_UNREADABLE", "STORAGE_IO"]);

/** What the system refuses and how to go on, by the code of its error. */
const adviceByCode: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program listens there: choose another port with --port, or stop that program",
  EADDRNOTAVAIL: "this machine does not have that address: check --host",
  ENOTFOUND: "no machine has that name: check --host",
  EACCES: "this user lacks the rights to it",
  ENOSPC: "free space on the disk",
};

/** True for errors of the operating system, such as a file that may not be read. */
function isSystemError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && "syscall" in error && "code" in error && typeof error.code === "string";
}
