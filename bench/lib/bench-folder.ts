import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A temporary folder that goes when it is disposed of. */
export interface BenchFolder extends AsyncDisposable {
  readonly path: string;
}

const open = new Set<string>();
const endings = { SIGINT: 130, SIGTERM: 143 } as const;

/** Makes a folder for what a bench records: gigabytes, which go as well when somebody ends the bench by a signal. */
export async function makeBenchFolder(): Promise<BenchFolder> {
  const path = await mkdtemp(join(tmpdir(), "eet-bench-"));
  if (open.size === 0) for (const signal of signals()) process.on(signal, removeAll);
  open.add(path);
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await rm(path, { recursive: true, force: true, maxRetries: 10 });
      open.delete(path);
      if (open.size === 0) for (const signal of signals()) process.off(signal, removeAll);
    },
  };
}

function signals() {
  return Object.keys(endings) as (keyof typeof endings)[];
}

function removeAll(signal: NodeJS.Signals): void {
  // A server that was not told of the signal may still write.
  for (const path of open) rmSync(path, { recursive: true, force: true, maxRetries: 10 });
  process.exit(signal === "SIGINT" ? endings.SIGINT : endings.SIGTERM);
}
