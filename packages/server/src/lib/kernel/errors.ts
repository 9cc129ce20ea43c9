import { type ErrorRow, type ServerErrorCode, serverErrors } from "./error-table.ts";
import { redactTokens } from "./redaction.ts";

/** An error of the server that names its row in the error table. */
export abstract class ServerError extends Error {
  readonly code: ServerErrorCode;

  /**
   * @param code - row of the error table
   * @param message - what was received, what is allowed, which option rules it
   * @param options - `cause`: the error underneath
   */
  constructor(code: ServerErrorCode, message: string, options?: ErrorOptions) {
    super(redactTokens(message), options);
    this.name = new.target.name;
    this.code = code;
  }

  /** The error's row: title, HTTP status, retry, fix. */
  get row(): ErrorRow {
    return serverErrors[this.code];
  }
}

/** A setting is wrong: the operator must act. */
export class ConfigError extends ServerError {}

/** A request is wrong: the caller must act. */
export class RequestError extends ServerError {}

/** A limit is reached: the caller comes later, or the operator raises the limit. */
export class LimitError extends ServerError {}

/** The disk or a file on it fails: the operator must act. */
export class StorageError extends ServerError {}

/** The object store fails: the operator acts where `retry` is `after-fix`, else nobody needs to. */
export class UploadError extends ServerError {}

/** The `code` of a Node system error (`ENOENT`, `EMFILE`, ...), else `undefined`. */
export function systemErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** The value itself if it is an Error, else an Error that tells what was thrown. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`a non-error was thrown: ${String(thrown)}`);
}
