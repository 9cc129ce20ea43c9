import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const cliPath = fileURLToPath(new URL("../../packages/cli/src/main.ts", import.meta.url));
const pythonClientPath = fileURLToPath(new URL("../../examples/python/stream_client.py", import.meta.url));
/** Far longer than anything here takes: a command that hangs ends the test, not the run. */
const timeoutMs = 120_000;

/** How a command ended and what it said. */
export interface CommandOutcome {
  readonly exitCode: number | null;
  readonly out: string;
  readonly err: string;
}

export interface CommandOptions {
  /** Working folder. */
  readonly folder?: string;
  readonly input?: Uint8Array;
}

/** Runs a command while the test goes on: it may talk to servers of this process. Nothing of the machine's settings reaches it. */
export async function runCommand(
  command: string,
  args: readonly string[],
  { folder, input }: CommandOptions = {},
): Promise<CommandOutcome> {
  const env = { PATH: process.env["PATH"] };
  const child = spawn(command, args, { cwd: folder, env, stdio: "pipe", timeout: timeoutMs, killSignal: "SIGKILL" });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("close", resolve);
    child.once("error", reject);
  });
  // A command may end without reading its input.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const [exitCode, out, err] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { exitCode, out, err };
}

/** Runs `eet`. */
export function runEet(args: readonly string[], options?: CommandOptions): Promise<CommandOutcome> {
  return runCommand(process.execPath, [cliPath, ...args], options);
}

/** Runs the Python client on the system's Python. */
export function runPythonClient(args: readonly string[], options?: CommandOptions): Promise<CommandOutcome> {
  return runCommand("/usr/bin/python3", ["-W", "ignore", pythonClientPath, ...args], options);
}
