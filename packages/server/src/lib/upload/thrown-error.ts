import type { ServerErrorCode } from "../kernel/error-table.ts";
import {
  ConfigError,
  LimitError,
  RequestError,
  StorageError,
  systemErrorCode,
  toError,
  UploadError,
} from "../kernel/errors.ts";

/** An error as plain facts: one that crosses between threads by itself loses its class, its code and its name. */
export interface ThrownError {
  readonly name: string;
  readonly message: string;
  /** Of the server's error table, or of a system error. */
  readonly code: string | undefined;
  readonly cause: ThrownError | undefined;
}

const serverErrorClasses = new Map(
  [ConfigError, LimitError, RequestError, StorageError, UploadError].map((type) => [type.name, type]),
);

/** Causes that are brought along: the SDK puts a few around what the system said. */
const maxCauses = 4;

/** What was thrown, as facts. */
export function describeThrown(thrown: unknown, causesLeft: number = maxCauses): ThrownError {
  const error = toError(thrown);
  const hasCause = causesLeft > 0 && error.cause instanceof Error;
  return {
    name: error.name,
    message: error.message,
    code: systemErrorCode(error),
    cause: hasCause ? describeThrown(error.cause, causesLeft - 1) : undefined,
  };
}

/** The error again: one of the server's of its own class, any other as an Error with its name and code. */
export function restoreThrown({ name, message, code, cause }: ThrownError): Error {
  const options = cause === undefined ? {} : { cause: restoreThrown(cause) };
  const type = serverErrorClasses.get(name);
  if (type !== undefined) return new type(code as ServerErrorCode, message, options);
  const error = Object.assign(new Error(message, options), code !== undefined && { code });
  // As errors have it: not among what is printed of them.
  Object.defineProperty(error, "name", { value: name, writable: true, configurable: true });
  return error;
}
