import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** How a server answered while it was under a load. */
export interface ApiProbe {
  /** From asking to the answer's last byte; lists of devices and `/healthz` in turn. */
  readonly latenciesMs: readonly number[];
  /** Answers other than 200, and none. */
  readonly errorCount: number;
}

const script = fileURLToPath(new URL("api-probe-process.ts", import.meta.url));

/** Somebody who asks the API 25 times a second, whatever becomes of the answers. */
export class ApiProber {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(port: number): Promise<ApiProber> {
    const child = fork(script, [String(port)]);
    await once(child, "message");
    return new ApiProber(child);
  }

  /** Ends it. */
  async stop(): Promise<ApiProbe> {
    const exited = once(this.#child, "exit");
    const told = once(this.#child, "message");
    this.#child.send("stop");
    const [probe] = await told;
    await exited;
    return probe as ApiProbe;
  }
}
