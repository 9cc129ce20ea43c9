/** Fields of a log line besides its message; values are plain and serialisable. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Structured log: fields first, then one short message (pino's shape, so that a pino logger is one). */
export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

/** A log that drops everything. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
