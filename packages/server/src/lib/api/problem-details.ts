import type { ServerError } from "../kernel/errors.ts";

/** Body of an error answer, RFC 9457, with the error table's code and fix. */
export interface ProblemDetails {
  readonly type: "about:blank";
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly fix: string;
}

/** Makes the answer that tells an HTTP client of an error. */
export function problemDetails(error: ServerError): { readonly status: number; readonly body: ProblemDetails } {
  const { title, httpStatus = 500, fix } = error.row;
  return {
    status: httpStatus,
    body: { type: "about:blank", title, status: httpStatus, detail: error.message, code: error.code, fix },
  };
}
