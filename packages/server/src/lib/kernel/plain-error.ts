import { type ServerErrorCode, serverErrors } from "./error-table.ts";
import { ConfigError, LimitError, RequestError, ServerError, StorageError, UploadError } from "./errors.ts";

/** An error as another process is told it: plain and serialisable. */
export interface PlainError {
  /** Row of the error table; `undefined` for an error that is not the server's own. */
  readonly code: ServerErrorCode | undefined;
  /** Of its class. */
  readonly name: string;
  readonly message: string;
}

const classes = { ConfigError, LimitError, RequestError, StorageError, UploadError } as const;

/** Makes an error plain. */
export function toPlainError(error: Error): PlainError {
  const { name, message } = error;
  return { code: error instanceof ServerError ? error.code : undefined, name, message };
}

/** Makes the error that a plain one tells of. */
export function fromPlainError({ code, name, message }: PlainError): Error {
  if (code === undefined || !Object.hasOwn(serverErrors, code)) return new Error(message);
  const known = Object.hasOwn(classes, name) ? classes[name as keyof typeof classes] : RequestError;
  return new known(code, message);
}
