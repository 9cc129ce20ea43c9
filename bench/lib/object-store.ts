import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("object-store-process.ts", import.meta.url));

/** What a store has. */
export interface StoredObjects {
  readonly objectCount: number;
  readonly byteCount: number;
}

/**
 * An S3 store on this machine, in memory, that checks signatures and checksums: it costs processor time of its own, which
 * counts for nobody but takes a core's time.
 */
export class ObjectStore implements AsyncDisposable {
  readonly #child: ChildProcess;
  /** Variables by which a server uploads to it. */
  readonly environment: Readonly<Record<string, string>>;

  private constructor(child: ChildProcess, environment: Readonly<Record<string, string>>) {
    this.#child = child;
    this.environment = environment;
  }

  static async start(): Promise<ObjectStore> {
    const child = fork(script);
    const [environment] = await once(child, "message");
    return new ObjectStore(child, environment as Readonly<Record<string, string>>);
  }

  read(): Promise<StoredObjects> {
    return this.#ask("read");
  }

  /** Lets every request wait for its answer from now on. */
  async hold(): Promise<void> {
    await this.#ask("hold");
  }

  /** Answers what waits, and goes on. */
  async release(): Promise<void> {
    await this.#ask("release");
  }

  async #ask(message: "read" | "hold" | "release"): Promise<StoredObjects> {
    const told = once(this.#child, "message");
    this.#child.send(message);
    const [objects] = await told;
    return objects as StoredObjects;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, "exit");
    this.#child.disconnect();
    await exited;
  }
}
