import assert from "node:assert/strict";
import { join } from "node:path";
import { ServerProcess } from "./server-process.ts";
import { makeTemporaryFolder } from "./temporary-folder.ts";

/**
 * Compiles the server once for all that follow: it keeps what it has compiled when it ends by itself, which those that
 * are killed never do.
 *
 * @param folder - where what is compiled is kept, in a folder of its own
 * @returns the environment of servers that start faster
 */
export async function compileServer(folder: string): Promise<Readonly<Record<string, string>>> {
  const environment = { NODE_COMPILE_CACHE: join(folder, "compiled") };
  await using work = await makeTemporaryFolder();
  await using server = await ServerProcess.start({ folder: work.path, environment });
  assert.equal(await server.stop(), 0, server.errors);
  return environment;
}
