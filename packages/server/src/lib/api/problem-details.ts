import Type, { type Static } from "typebox";
import type { ServerError } from "../kernel/errors.ts";

/** Body of an error answer, RFC 9457, with the error table's code and fix. */
export const ProblemDetails = Type.Object(
  {
    type: Type.Literal("about:blank"),
    title: Type.String({ description: "what is wrong, the same for each code" }),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String({ description: "what was received, and what is allowed" }),
    code: Type.String({ description: "row of docs/errors.md; branch on this" }),
    fix: Type.String({ description: "what to do" }),
  },
  { $id: "Problem", additionalProperties: false },
);

/** A parsed {@link ProblemDetails}. */
export type ProblemDetails = Static<typeof ProblemDetails>;

/** Makes the answer that tells an HTTP client of an error. */
export function problemDetails(error: ServerError): { readonly status: number; readonly body: ProblemDetails } {
  const { title, httpStatus = 500, fix } = error.row;
  return {
    status: httpStatus,
    body: { type: "about:blank", title, status: httpStatus, detail: error.message, code: error.code, fix },
  };
}
