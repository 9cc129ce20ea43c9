import { existsSync } from "node:fs";
import { StorageError } from "@eet/server";
import { CommandError } from "./command-error.ts";

/** @throws {@link CommandError} when nothing is there */
export function requirePath(path: string): void {
  if (!existsSync(path)) throw new CommandError(`${path} does not exist; give a path to a file or folder that does`);
}

/** Runs a tool of the server; its errors become lines for the user. */
export async function runTool<T>(tool: () => Promise<T>): Promise<T> {
  try {
    return await tool();
  } catch (error) {
    if (error instanceof StorageError) throw new CommandError(`${error.message}. ${error.row.fix}`, { cause: error });
    throw error;
  }
}
