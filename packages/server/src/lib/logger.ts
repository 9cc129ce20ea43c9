import { type Logger, pino } from "pino";
import { PinoPretty } from "pino-pretty";

export interface LoggerOptions {
  readonly level: "trace" | "debug" | "info" | "warn" | "error" | "silent";
  /** One readable line each instead of JSON. */
  readonly isPretty: boolean;
}

/** Creates the log of a server: JSON lines on standard output, or readable ones for a person at a terminal. */
export function createLogger({ level, isPretty }: LoggerOptions): Logger {
  if (!isPretty) return pino({ level, base: null });
  // In this thread: the last lines before the end of the process must not be lost in another one.
  return pino({ level, base: null }, PinoPretty({ sync: true, singleLine: true, translateTime: "SYS:HH:MM:ss.l" }));
}
