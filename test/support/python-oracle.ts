import { spawnSync } from "node:child_process";

/**
 * Runs a Python script on the system's Python, which still has `audioop`.
 *
 * @param script - the program's text; it reads `sys.stdin.buffer` and writes `sys.stdout.buffer`.
 * @param input - its standard input.
 * @param args - `sys.argv[1:]`.
 * @returns its standard output.
 * @throws Error with Python's message when it fails.
 */
export function runPython(script: string, input: Uint8Array, ...args: readonly string[]): Uint8Array {
  return runOracle("/usr/bin/python3", ["-W", "ignore", "-c", script, ...args], input);
}

/** Runs any other command the same way: bytes in, bytes out, an error when it fails. */
export function runOracle(command: string, args: readonly string[], input: Uint8Array = new Uint8Array()): Uint8Array {
  const result = spawnSync(command, args, { input, maxBuffer: 256 * 1024 * 1024 });
  if (result.status !== 0) {
    throw new Error(`${command} ended with ${result.status}: ${result.stderr}`, { cause: result.error });
  }
  return result.stdout;
}
