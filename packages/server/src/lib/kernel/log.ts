/** Fields of a log line besides its message; values are plain and serialisable. */
export type LogFields = Readonly<Record<string, unknown>>;

/** How severe a line is, least first; `silent` is above all of them. */
export const logLevels = ["trace", "debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** Structured log: fields first, then one short message (pino's shape, so that a pino logger is one). */
export interface Log {
  /** The least severe lines that are written; left out where that cannot be changed. */
  level?: string;
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

/** A log that drops everything. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
