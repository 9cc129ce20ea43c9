import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { systemErrorCode, toError } from "../kernel/errors.ts";

/** Between SIGTERM and SIGKILL. */
const killGraceMs = 3_000;
const maxLineLength = 1_000;
/** Lines of one run that are passed on; the rest is read and dropped. */
const maxLineCount = 200;

/** One run of a command. */
export interface CommandRun {
  /** For the shell. */
  readonly command: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Where it runs; default: the working folder of this process. */
  readonly folder?: string;
  readonly timeoutMs: number;
  /** Ends it as the time limit does. */
  readonly signal: AbortSignal;
  /** Told of each line that it writes, cut to 1 000 characters; of 200 lines at most. */
  readonly onLine: (line: string, stream: "stdout" | "stderr") => void;
}

/** How a command ended. */
export type CommandEnd =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "killed"; readonly signal: NodeJS.Signals }
  | { readonly kind: "timed-out" }
  | { readonly kind: "stopped" }
  /** It could not be started. */
  | { readonly kind: "failed"; readonly error: Error };

/**
 * Runs a command by the shell, in a process group of its own. At the time limit, and when it is told to stop, the group
 * gets SIGTERM and 3 s later SIGKILL; what the command leaves in the background ends with it.
 *
 * @returns when no process of the group is left but such as made themselves a new one; never rejects
 */
export async function runShellCommand(run: CommandRun): Promise<CommandEnd> {
  const { command, environment, folder, timeoutMs, signal, onLine } = run;
  if (signal.aborted) return { kind: "stopped" };
  let child: ChildProcess;
  try {
    child = spawn(command, {
      ...(folder !== undefined && { cwd: folder }),
      env: environment,
      shell: true,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
  } catch (thrown) {
    return { kind: "failed", error: toError(thrown) };
  }
  const limit = AbortSignal.timeout(timeoutMs);
  const killer = new GroupKiller(child.pid);
  const stop = () => killer.begin();
  signal.addEventListener("abort", stop, { once: true });
  limit.addEventListener("abort", stop, { once: true });
  const log = createLineLimit(onLine);
  readLines(child.stdout, (line) => log(line, "stdout"));
  readLines(child.stderr, (line) => log(line, "stderr"));
  try {
    return await ended(child, () => (signal.aborted ? "stopped" : limit.aborted ? "timed-out" : undefined), killer);
  } finally {
    signal.removeEventListener("abort", stop);
    limit.removeEventListener("abort", stop);
    killer.close();
  }
}

async function ended(
  child: ChildProcess,
  stopReason: () => "stopped" | "timed-out" | undefined,
  killer: GroupKiller,
): Promise<CommandEnd> {
  const closed = once(child, "close");
  try {
    // The pipes stay open as long as anything in the background holds them.
    const [code, signal] = await once(child, "exit");
    killer.kill("SIGKILL");
    const kind = stopReason();
    await closed;
    if (kind !== undefined) return { kind };
    return signal === null ? { kind: "exited", code } : { kind: "killed", signal };
  } catch (thrown) {
    closed.catch(() => undefined);
    return { kind: "failed", error: toError(thrown) };
  }
}

/** Ends a process group, first kindly. */
class GroupKiller {
  readonly #pid: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(pid: number | undefined) {
    this.#pid = pid;
  }

  begin(): void {
    if (this.#timer !== undefined) return;
    this.kill("SIGTERM");
    this.#timer = setTimeout(() => this.kill("SIGKILL"), killGraceMs);
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#pid === undefined) return;
    try {
      process.kill(-this.#pid, signal);
    } catch (thrown) {
      // Nobody of it is left.
      if (systemErrorCode(thrown) !== "ESRCH") throw thrown;
    }
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}

function readLines(stream: Readable | null, onLine: (line: string) => void): void {
  if (stream === null) return;
  let open = "";
  stream.setEncoding("utf8").on("data", (text: string) => {
    const lines = (open + text).split("\n");
    // One that never ends is cut, not gathered.
    open = (lines.pop() ?? "").slice(0, maxLineLength + 1);
    for (const line of lines) onLine(line);
  });
  stream.once("end", () => {
    if (open !== "") onLine(open);
  });
}

function createLineLimit(onLine: CommandRun["onLine"]): CommandRun["onLine"] {
  let count = 0;
  return (line, stream) => {
    count += 1;
    if (count === maxLineCount + 1) onLine(`(more than ${maxLineCount} lines: the rest is not shown)`, stream);
    if (count > maxLineCount) return;
    const text = line.trimEnd();
    onLine(text.length > maxLineLength ? `${text.slice(0, maxLineLength)}...` : text, stream);
  };
}
