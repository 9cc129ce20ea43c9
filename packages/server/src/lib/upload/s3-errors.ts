import { S3ServiceException } from "@aws-sdk/client-s3";
import type { ServerErrorCode } from "../kernel/error-table.ts";
import { ServerError, systemErrorCode, toError, UploadError } from "../kernel/errors.ts";
import { redactSecrets } from "../kernel/redaction.ts";

// What S3 and the SDK call an error; the rest goes by the HTTP status.
const codesByName: ReadonlyMap<string, ServerErrorCode> = new Map([
  ["ExpiredToken", "UPLOAD_DENIED"],
  ["InvalidToken", "UPLOAD_DENIED"],
  ["TokenRefreshRequired", "UPLOAD_DENIED"],
  ["CredentialsProviderError", "UPLOAD_DENIED"],
  ["TokenProviderError", "UPLOAD_DENIED"],
  ["NoSuchBucket", "UPLOAD_NO_BUCKET"],
  ["InvalidBucketName", "UPLOAD_NO_BUCKET"],
  ["PermanentRedirect", "UPLOAD_NO_BUCKET"],
  ["AuthorizationHeaderMalformed", "UPLOAD_NO_BUCKET"], // the region is another one
  ["TimeoutError", "UPLOAD_UNREACHABLE"],
  ["BadDigest", "UPLOAD_MISMATCH"],
  ["InvalidDigest", "UPLOAD_MISMATCH"],
  ["XAmzContentSHA256Mismatch", "UPLOAD_MISMATCH"],
]);

/**
 * The error of the table for whatever a request to the store threw, by error name and HTTP status, never by message
 * text. The thrown one stays as `cause`.
 *
 * @param where - names the store and the object
 * @param secrets - which the store may repeat in what it says
 */
export function toUploadError(thrown: unknown, where: string, secrets: readonly string[] = []): ServerError {
  if (thrown instanceof ServerError) return thrown;
  const error = toError(thrown);
  return new UploadError(codeOf(error), `${where}: ${redactSecrets(describe(error), secrets)}`, { cause: error });
}

/** HTTP status of a store's answer; `undefined` when none came. */
export function httpStatusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}

function codeOf(error: Error): ServerErrorCode {
  const named = codesByName.get(error.name);
  if (named !== undefined) return named;
  const status = httpStatusOf(error);
  if (status === undefined) return systemErrorCode(error) === undefined ? "UPLOAD_FAILED" : "UPLOAD_UNREACHABLE";
  if (status === 401 || status === 403) return "UPLOAD_DENIED";
  if (status === 301 || status === 307) return "UPLOAD_NO_BUCKET";
  // Not this object but the store as a whole cannot serve now: 503 SlowDown, a gateway without its backend.
  if (status === 429 || status >= 500) return "UPLOAD_UNREACHABLE";
  return "UPLOAD_FAILED";
}

function describe(error: Error): string {
  const status = httpStatusOf(error);
  const code = systemErrorCode(error);
  if (status !== undefined) return `the store answers ${status} ${error.name}: ${error.message}`;
  return code === undefined ? `${error.name}: ${error.message}` : `${code}: ${error.message}`;
}
