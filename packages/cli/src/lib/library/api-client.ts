import { AwayError, CommandError } from "../command-error.ts";
import type { ApiRequest, ApiSource } from "./api-source.ts";

/** Parameters of a query; `undefined` is left out. */
export type ApiQuery = Readonly<Record<string, string | number | boolean | undefined>>;

/** An error answer of the API: problem details of RFC 9457. */
interface Problem {
  readonly code?: unknown;
  readonly detail?: unknown;
  readonly title?: unknown;
  readonly fix?: unknown;
}

/** Asks the REST API, and turns its errors into lines that say what to do. */
export class ApiClient {
  readonly source: ApiSource;

  constructor(source: ApiSource) {
    this.source = source;
  }

  /** @throws CommandError with code, message and fix of an error answer */
  async get<T>(path: string, query: ApiQuery = {}, request: ApiRequest = {}): Promise<T> {
    const response = await this.open(path, query, request);
    return (await response.json()) as T;
  }

  /** @throws as {@link get} */
  async post<T>(path: string, body: unknown): Promise<T> {
    return this.get<T>(path, {}, { method: "POST", body });
  }

  /** The answer itself, its body not read yet. @throws as {@link get} */
  async open(path: string, query: ApiQuery = {}, request: ApiRequest = {}): Promise<Response> {
    const response = await this.source.request(`/api/v1${path}${formatQuery(query)}`, request);
    if (!response.ok) throw await toCommandError(response, this.source);
    return response;
  }
}

/** What a device is called in paths; `~` stands for what was recorded without an id. */
export function devicePath(hwid: string): string {
  // As the server does with ids of connections.
  return `/devices/${encodeURIComponent(hwid.replace(/[:.]/g, "_"))}`;
}

function formatQuery(query: ApiQuery): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  );
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
}

/** What stands in front of a server that is being started answers so too. */
const awayStatuses: readonly number[] = [502, 503, 504];

async function toCommandError(response: Response, source: ApiSource): Promise<CommandError> {
  const text = await response.text();
  const problem = parseProblem(text);
  const ErrorKind = awayStatuses.includes(response.status) ? AwayError : CommandError;
  if (problem === undefined || typeof problem.code !== "string") {
    return new ErrorKind(
      `${source.name} answered ${response.status} without an error code: is it an EET server of this version?`,
    );
  }
  const { code, detail, title } = problem;
  const fix = fixes[code] ?? problem.fix;
  return new ErrorKind([`${code}: ${detail ?? title ?? ""}`, ...(typeof fix === "string" ? [fix] : [])].join(". "));
}

/** What to do at the command line, where the API's own words are for those who call it. */
const fixes: Readonly<Record<string, string>> = {
  NOT_FOUND: "Is it an EET server of this version? Check --url.",
  METHOD_NOT_ALLOWED: "Is it an EET server of this version? Check --url.",
  PARAMETER_INVALID: "Give a value that is allowed; --help lists the options.",
  RESOURCE_UNKNOWN: "`eet devices` lists the devices, `eet ls HWID` what was recorded of one.",
  RANGE_AMBIGUOUS: "Choose one of the streams with --stream.",
  RANGE_MIXED:
    "Choose one of the sessions with --session, or ask for each of the ranges by itself with --from and --to.",
  EXPORT_LIMIT: "Try again in a few seconds.",
  SIMULATION_LIMIT: "Stop one of them first; each also ends by itself.",
};

function parseProblem(text: string): Problem | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
