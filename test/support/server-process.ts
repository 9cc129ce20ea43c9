import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { processTree } from "./process-tree.ts";

const cliPath = fileURLToPath(new URL("../../packages/cli/src/main.ts", import.meta.url));

/** What the system's unit tells Node, so that a server here behaves as one that is installed. */
const nodeFlags = readNodeFlags();

function readNodeFlags(): readonly string[] {
  const unit = readFileSync(new URL("../../deploy/eet.service", import.meta.url), "utf8");
  const [, flags] = /^ExecStart=\S+ ((?:--\S+ )*)\S+main\.js serve$/m.exec(unit) ?? [];
  if (flags === undefined) throw new Error("deploy/eet.service does not start the server");
  return flags.split(" ").filter((flag) => flag !== "");
}

/** A line of the server's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string };

export interface ServerProcessOptions {
  /** Working folder; recordings go to `data` below it. */
  readonly folder: string;
  /** Flags of `eet serve` besides the port. */
  readonly flags?: readonly string[];
  /** Added to a bare environment: nothing of the machine's settings reaches the server. */
  readonly environment?: Readonly<Record<string, string>>;
  /** A command that becomes the server: it ends by running its further arguments in its own process (`exec`). */
  readonly launcher?: readonly string[];
}

/** From this level on a line of the log reports something that should not have come up: warn, error, fatal. */
const warnLevel = 40;

/** A real `eet serve` in a process of its own, on a free port of the loopback. Disposing of it kills it. */
export class ServerProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #waiting = new Set<{
    readonly matches: (line: LogLine) => boolean;
    readonly found: (line: LogLine) => void;
    readonly ended: (error: Error) => void;
  }>();
  /** Every line so far. */
  readonly lines: LogLine[] = [];
  /** Settles with the exit code, or the signal that ended the process. */
  readonly exited: Promise<number | NodeJS.Signals | null>;
  #port = 0;
  #errors = "";
  #ending: Error | undefined;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.exited = once(child, "close").then(([code, signal]) => code ?? signal);
    if (child.stdout === null || child.stderr === null) throw new TypeError("the server's output is not piped");
    createInterface(child.stdout).on("line", (text) => this.#onLine(text));
    child.stderr.on("data", (text) => {
      this.#errors += text;
    });
    child.once("close", (code, signal) => this.#onEnd(code ?? signal));
  }

  /** Resolves when the server listens; rejects with what it said when it ends before. */
  static async start(options: ServerProcessOptions): Promise<ServerProcess> {
    const { folder, flags = [], environment = {}, launcher = [] } = options;
    const serve = [process.execPath, ...nodeFlags, cliPath, "serve", "--port", "0"];
    const [command = process.execPath, ...args] = [...launcher, ...serve];
    const child = spawn(command, [...args, ...flags], {
      cwd: folder,
      env: { PATH: process.env["PATH"], HOME: folder, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const server = new ServerProcess(child);
    const listening = await server.line((line) => line.msg === "listening");
    server.#port = Number(new URL(String(listening["url"]).replace("{hwid}", "")).port);
    return server;
  }

  #onEnd(how: number | NodeJS.Signals | null): void {
    this.#ending = new Error(`the server ended with ${how}: ${this.#errors}`);
    for (const { ended } of this.#waiting) ended(this.#ending);
    this.#waiting.clear();
  }

  #onLine(text: string): void {
    const line: LogLine = JSON.parse(text);
    this.lines.push(line);
    for (const waiting of this.#waiting) {
      if (!waiting.matches(line)) continue;
      this.#waiting.delete(waiting);
      waiting.found(line);
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get port(): number {
    return this.#port;
  }

  /** `ws://127.0.0.1:{port}/ws` */
  get url(): string {
    return `ws://127.0.0.1:${this.#port}/ws`;
  }

  /** What came on standard error. */
  get errors(): string {
    return this.#errors;
  }

  /** Lines that report something that should not have come up; the set-up link is one that shall. */
  get problems(): readonly LogLine[] {
    return this.lines.filter((line) => Number(line["level"]) >= warnLevel && line["setUp"] === undefined);
  }

  /** The first line, past or coming, that matches; rejects when the server ends without it. */
  line(matches: (line: LogLine) => boolean): Promise<LogLine> {
    const past = this.lines.find(matches);
    if (past !== undefined) return Promise.resolve(past);
    return this.nextLine(matches);
  }

  /** The next line to come that matches; rejects when the server ends without it. */
  nextLine(matches: (line: LogLine) => boolean): Promise<LogLine> {
    if (this.#ending !== undefined) return Promise.reject(this.#ending);
    const { promise, resolve, reject } = Promise.withResolvers<LogLine>();
    this.#waiting.add({ matches, found: resolve, ended: reject });
    return promise;
  }

  /** Waits for the end of what an earlier run left. */
  recovered(): Promise<LogLine> {
    return this.line((line) => line.msg === "recovery done");
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Stops gracefully. @returns the exit code */
  stop(): Promise<number | NodeJS.Signals | null> {
    this.signal("SIGTERM");
    return this.exited;
  }

  /** Ends the process as a crash would. */
  kill(): Promise<number | NodeJS.Signals | null> {
    this.signal("SIGKILL");
    return this.exited;
  }

  /** Stops it where it is, all of its processes at once, as the power does. Nothing but {@link cutOff} may follow. */
  freeze(): void {
    // Parents first: what is stopped starts no more.
    for (const pid of processTree(this.#pid)) process.kill(pid, "SIGSTOP");
  }

  /** Ends all processes of one that is frozen, or of one that runs. */
  async cutOff(): Promise<void> {
    for (const pid of processTree(this.#pid)) process.kill(pid, "SIGKILL");
    await this.exited;
  }

  get #pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error("the server was not started");
    return pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
