import { followAccess } from "./access.ts";

/** An answer of the server that is an error: a row of docs/errors.md. */
export class ApiError extends Error {
  /** Row of docs/errors.md; empty when something between answered. */
  readonly code: string;
  readonly status: number;
  /** What to do about it. */
  readonly fix: string;

  constructor(status: number, problem: { readonly code?: string; readonly detail?: string; readonly fix?: string }) {
    super(problem.detail ?? `the server answered ${status}`);
    this.name = "ApiError";
    this.status = status;
    this.code = problem.code ?? "";
    this.fix = problem.fix ?? "";
  }
}

/** Values of a query; those that are undefined are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** Path of an endpoint of `/api/v1` with its query. */
export function apiPath(path: string, query: Query = {}): string {
  const given = Object.entries(query).filter(
    (entry): entry is [string, string | number | boolean] => entry[1] !== undefined,
  );
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return `/api/v1${path}${text === "" ? "" : `?${text}`}`;
}

/**
 * Reads JSON of the API.
 *
 * @throws ApiError for an answer that is an error; TypeError when the server cannot be reached
 */
export async function readApi<Answer>(path: string, query?: Query, signal?: AbortSignal): Promise<Answer> {
  const response = await fetch(apiPath(path, query), { signal: signal ?? null });
  return (await checkAnswer(response)).json() as Promise<Answer>;
}

/** Sends JSON to the API. Errors as {@link readApi}. */
export async function writeApi<Answer>(method: "POST" | "PATCH", path: string, body: unknown): Promise<Answer> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(apiPath(path), { method, headers, body: JSON.stringify(body) });
  return (await checkAnswer(response)).json() as Promise<Answer>;
}

/** Takes something away by the API. Errors as {@link readApi}. */
export async function deleteApi(path: string): Promise<void> {
  await checkAnswer(await fetch(apiPath(path), { method: "DELETE" }));
}

/** @throws ApiError for an answer that is an error */
export async function checkAnswer(response: Response): Promise<Response> {
  if (response.ok) return response;
  // The session may be over.
  if (response.status === 401) void followAccess();
  const isProblem = response.headers.get("content-type")?.includes("json") === true;
  throw new ApiError(response.status, isProblem ? await response.json() : {});
}

/** What to tell a person of an error. */
export function describeError(error: unknown): string {
  if (error instanceof ApiError) return error.fix === "" ? error.message : `${error.message}. ${error.fix}`;
  if (error instanceof TypeError) return "The server cannot be reached.";
  return error instanceof Error ? error.message : String(error);
}
