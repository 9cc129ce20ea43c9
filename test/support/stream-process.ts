import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { Conditions } from "./conditions.ts";

const cliPath = fileURLToPath(new URL("../../packages/cli/src/main.ts", import.meta.url));

/** A line of `eet stream --json`, as far as tests look at it. */
export interface StreamRecord {
  readonly type: "progress" | "summary";
  readonly complete: number;
  readonly finishing: number;
  readonly audioS: number;
  readonly durableS: number | null;
  readonly uploadedS: number | null;
  readonly bufferedS: number;
  readonly spooledS: number | null;
  readonly droppedFrameCount: number;
  readonly reconnectCount: number;
  readonly spool: { readonly audioS: number; readonly earlierS: number; readonly byteLength: number } | null;
  readonly streams: readonly {
    readonly state: string;
    readonly delivery: "acked" | "plain" | null;
    readonly durableS: number | null;
    readonly outage: { readonly reason: string } | null;
    readonly error: string | null;
  }[];
}

/** A real `eet stream --json` in a process of its own. Disposing of it kills it. */
export class StreamProcess implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #conditions = new Conditions(() => `last record: ${JSON.stringify(this.last)}; errors: ${this.#errors}`);
  /** Settles with the exit code, or the signal that ended the process. */
  readonly exited: Promise<number | NodeJS.Signals | null>;
  /** What it told, and when by `performance.now()`. */
  readonly records: { readonly atMs: number; readonly record: StreamRecord }[] = [];
  #errors = "";

  private constructor(child: ChildProcessByStdio<Writable, Readable, Readable>) {
    this.#child = child;
    // A command that was killed does not read its input.
    child.stdin.on("error", () => {});
    createInterface(child.stdout).on("line", (line) => {
      this.records.push({ atMs: performance.now(), record: JSON.parse(line) });
      this.#conditions.check();
    });
    child.stderr.on("data", (text) => {
      this.#errors += text;
      this.#conditions.check();
    });
    this.exited = once(child, "close").then(([code, signal]) => {
      this.#conditions.end("the process has ended");
      return code ?? signal;
    });
  }

  /** @param args - of `eet stream` besides `--json` */
  static start(args: readonly string[]): StreamProcess {
    const env = { PATH: process.env["PATH"] };
    return new StreamProcess(spawn(process.execPath, [cliPath, "stream", "--json", ...args], { env, stdio: "pipe" }));
  }

  /** Standard input. */
  get input(): Writable {
    return this.#child.stdin;
  }

  /** What it told last; at its end the summary. */
  get last(): StreamRecord | undefined {
    return this.records.at(-1)?.record;
  }

  /** What came on standard error. */
  get errors(): string {
    return this.#errors;
  }

  /** Resolves when a record comes of which something holds. @param what - completes "it did not come that ..." */
  async until(what: string, isSo: (record: StreamRecord) => boolean): Promise<StreamRecord> {
    await this.#conditions.until(what, () => this.last !== undefined && isSo(this.last));
    return this.last as StreamRecord;
  }

  /** Resolves when standard error holds a text. */
  async said(text: string): Promise<void> {
    await this.#conditions.until(`it said "${text}"`, () => this.#errors.includes(text));
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Ends the process as a crash would. */
  kill(): Promise<number | NodeJS.Signals | null> {
    this.signal("SIGKILL");
    return this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
