import { createRequire } from "node:module";
import { destination, type Logger, pino } from "pino";
import { GatheredLines } from "./gathered-lines.ts";
import { redactTokens } from "./kernel/redaction.ts";

export interface LoggerOptions {
  readonly level: "trace" | "debug" | "info" | "warn" | "error" | "silent";
  /** One readable line each instead of JSON. */
  readonly isPretty: boolean;
}

/** At once, as the log is made, and for a person at a terminal alone: others do not wait for its modules. */
const require = createRequire(import.meta.url);

/** Lines of so many bytes are written at once. */
const gatheredBytes = 8 * 1024;

/** Creates the log of a server: JSON lines on standard output, or readable ones for a person at a terminal. */
export function createLogger({ level, isPretty }: LoggerOptions): Logger {
  // Whatever a line is made of: a path, a name, what another program has said.
  const hooks = { streamWrite: redactTokens };
  if (!isPretty) {
    const lines = new GatheredLines(destination({ sync: false, minLength: gatheredBytes }));
    return pino({ level, base: null, hooks }, lines);
  }
  const { PinoPretty }: typeof import("pino-pretty") = require("pino-pretty");
  // In this thread: the last lines before the end of the process must not be lost in another one.
  return pino(
    { level, base: null, hooks },
    PinoPretty({ sync: true, singleLine: true, translateTime: "SYS:HH:MM:ss.l" }),
  );
}
