import { type ChildProcess, fork } from "node:child_process";
import { getCompileCacheDir } from "node:module";
import { fileURLToPath } from "node:url";

/** Memory for what hardly lives: V8 would let it grow to 100 MB, which frames fill with what is gone by the next second. */
const nodeFlags = ["--max-semi-space-size=8"];

/**
 * Processes that are begun before anything is known that they are to do: they load their modules while the server opens the
 * rest.
 */
export class SpareWorkers {
  readonly #children: ChildProcess[];

  constructor(count: number) {
    this.#children = Array.from({ length: count }, forkWorker);
  }

  /** One that nobody has, or a new one. */
  take(): ChildProcess {
    for (let child = this.#children.shift(); child !== undefined; child = this.#children.shift()) {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) return child;
    }
    return forkWorker();
  }

  /** Ends those that nobody took. */
  close(): void {
    for (const child of this.#children.splice(0)) child.kill("SIGKILL");
  }
}

function forkWorker(): ChildProcess {
  const entry = new URL(import.meta.url.endsWith(".ts") ? "./main.ts" : "./main.js", import.meta.url);
  // What this process compiled the other one need not.
  const child = fork(fileURLToPath(entry), [getCompileCacheDir() ?? ""], {
    serialization: "advanced",
    execArgv: [...process.execArgv, ...nodeFlags],
    // Only the server writes its log; what a worker says of its own defects goes beside it.
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  // Who takes it looks at what became of it.
  child.on("error", () => {});
  return child;
}
