// `node scripts/write-api-docs.ts`: writes docs/api.md from the OpenAPI document of a server that runs on a sample
// recording, with what curl prints for each call. Needs curl.
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import type { ServerOptions } from "@eet/server";
import { type RouteRight, rightOf } from "../packages/server/src/lib/access/route-roles.ts";
import { ApiServer } from "../test/support/api-server.ts";
import type { OpenapiDocument } from "../test/support/contract-client.ts";
import { SetupCodeLog } from "../test/support/setup-code.ts";
import { makeTemporaryFolder } from "../test/support/temporary-folder.ts";
import { type ApiExample, apiExamples, recordSample, sampleNowMs, shownSecrets } from "./api-examples.ts";

/** Where readers will run it. */
const shownUrl = "http://localhost:5096";
/** Of an output; more is cut off and said so. */
const maxLineCount = 80;

const introduction = `# REST API

Below \`/api/v1\`. Every server serves the document of its own API at \`/api/openapi.json\` (OpenAPI 3.1, made from the schemas
that check the requests) and a page to browse and try it at \`/api/docs\`; that page loads nothing from elsewhere.

- **Names** are in snake_case, in queries, bodies and answers, as in the sidecars on disk.
- **Times** in answers are ISO 8601 in UTC with milliseconds. Requests take the same with any zone
  (\`2026-03-01T13:00:00+01:00\`; write \`%2B\` for \`+\`), a date (\`2026-03-01\`, UTC), milliseconds since 1970, and times relative
  to now: \`now\`, \`-30s\`, \`-5m\`, \`-2h\`, \`-7d\`, \`-1w\`.
- **Ranges** are half open: \`from\` belongs to it, \`to\` does not.
- **\`~\`** in the place of a device's id stands for what was recorded without an id.
- **Lists** come in pages of \`limit\` rows (100, at most 1000). \`next_cursor\` is the \`cursor\` of the next call, with the other
  parameters as they were; it is \`null\` on the last page. Rows that are added meanwhile neither shift nor repeat others.
- **Errors** are problem details (RFC 9457) with a \`code\` to branch on and a \`fix\`; [errors.md](errors.md) lists the codes. A
  parameter that does not exist is refused, so that a typo is not taken for "all"; so is a number in another spelling than
  that of answers (\`1e3\`, \`1.0\`, \`+1\`, \`0x10\`). A path asked with a method that it does not take answers 405 and names those it
  takes in \`Allow\`. What is no HTTP at all is answered with problem details too, and the connection ends.
- **Texts** of people (names, tags, notes, reasons) are of one line, without control characters, not blank; blanks around them
  are taken off.
- **Limits.** 16 exports run at once, 4 pictures (peaks, spectrograms) are drawn and 32 more wait; beyond it the answer is 503 with
  \`Retry-After\`. A picture is given up when its client leaves. A client that takes nothing of an answer for 30 s while data waits
  for it is cut off; one that reads slowly goes on.
  A client may ask 100 times a second, counted over ten seconds by its token: \`RateLimit-Remaining\` and \`RateLimit-Reset\` tell what
  is left, 429 (\`API_RATE_LIMIT\`) with \`Retry-After\` when it was too often. [security.md](security.md#limits) lists all limits.
- **HEAD** works wherever GET does.
- **Access.** Without any token the server is open to its own machine alone; from the first one on every request brings one
  (\`Authorization: Bearer\`), and the role of the token says what it may ([security.md](security.md)): each call below names the
  least role it needs, of viewer, operator and admin. Requests by a name that is not the server's are refused
  (\`HOST_REFUSED\`), those that change something also when a browser says that a page of another site sent them
  (\`ORIGIN_REFUSED\`). There are no CORS headers, and answers may not be embedded elsewhere.

The server also answers \`GET /healthz\` ([operations.md](operations.md#health)) and \`POST /echo\`, which are no part of this API.

This page is written by \`node scripts/write-api-docs.ts\`: all it shows was printed by curl, asking a server with a recording of
ten seconds. JSON is shown as \`jq\` prints it.
`;

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: ObjectSchema }>> };
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: ParameterSchema;
}

interface ParameterSchema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: unknown;
  readonly description?: string;
}

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, ParameterSchema>>;
  readonly required?: readonly string[];
}

interface Document extends OpenapiDocument {
  readonly tags: readonly { readonly name: string; readonly description: string }[];
}

/** Heading of an operation's section; a test looks for it. */
export function headingOf(method: string, path: string): string {
  return `### \`${method.toUpperCase()} ${path}\``;
}

async function formatApiDocs(): Promise<string> {
  await using folder = await makeTemporaryFolder();
  const beganMs = performance.now();
  const clock = {
    wallMs: () => sampleNowMs + Math.floor(performance.now() - beganMs),
    monotonicMs: () => performance.now(),
  } as NonNullable<ServerOptions["clock"]>;
  const flags = { "run-on-segment": "true", "offline-after-s": "0.1" };
  const setup = new SetupCodeLog();
  await using server = await ApiServer.open(folder.path, flags, {}, { clock, log: setup.log });
  await recordSample(server);
  const document = await server.json<Document>("/api/openapi.json");
  const sections: string[] = [introduction];
  for (const { name, description } of document.tags) {
    sections.push(`\n## ${name[0]?.toUpperCase()}${name.slice(1)}: ${description}\n`);
    for (const [method, path, operation] of operationsOf(document, name)) {
      sections.push(await formatOperation({ server, setupCode: setup.code }, method, path, operation));
    }
  }
  return sections.join("");
}

function operationsOf(document: Document, tag: string): readonly [string, string, Operation][] {
  const all = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, string, Operation] => [
      method,
      path,
      operation as unknown as Operation,
    ]),
  );
  return all.filter(([, , { tags }]) => tags.includes(tag));
}

async function formatOperation(
  { server, setupCode }: { readonly server: ApiServer; readonly setupCode: string },
  method: string,
  path: string,
  operation: Operation,
): Promise<string> {
  const example = apiExamples[operation.operationId];
  if (example === undefined) throw new Error(`scripts/api-examples.ts has no example of ${operation.operationId}`);
  const { summary, description } = operation;
  const blocks: string[] = [];
  for (const call of typeof example === "function" ? await example(server, setupCode) : example)
    blocks.push(await runExample(server, call));
  return [
    `\n${headingOf(method, path)}\n\n${summary}.${description === undefined ? "" : ` ${description}`}\n\n${formatRight(method, path)}\n`,
    formatParameters(operation),
    ...blocks,
  ].join("");
}

/** What the one who calls has to bring, once there are tokens. */
function formatRight(method: string, path: string): string {
  const right = rightOf(method.toUpperCase(), path.replaceAll(/\{(\w+)\}/g, ":$1"));
  const others: Partial<Record<RouteRight, string>> = { none: "no token", any: "any token" };
  return `Needs: ${others[right] ?? `role ${right}`}.`;
}

function formatParameters({ parameters = [], requestBody }: Operation): string {
  const body = requestBody?.content["application/json"]?.schema;
  const rows = [
    ...parameters.map((parameter) =>
      formatRow(parameter.name, parameter.in, parameter.required, { ...parameter, ...parameter.schema }),
    ),
    ...Object.entries(body?.properties ?? {}).map(([name, schema]) =>
      formatRow(name, "body", body?.required?.includes(name), schema),
    ),
  ];
  return rows.length === 0 ? "" : `\n| parameter | in | what |\n| --- | --- | --- |\n${rows.join("")}`;
}

function formatRow(name: string, place: string, isRequired: boolean | undefined, schema: ParameterSchema): string {
  const { type, minimum, maximum, description } = schema;
  const bounds = maximum === undefined || maximum > 1e15 ? "" : ` ${minimum ?? 0} to ${maximum}`;
  const values = schema.enum === undefined ? `${type ?? "text"}${bounds}` : schema.enum.join(", ");
  const facts = [
    // The forms of times stand at the top of the page.
    description?.replace(/: ISO 8601.*/s, ""),
    schema.enum !== undefined || type === "integer" || type === "number" || type === "boolean" ? values : undefined,
    schema.default === undefined ? undefined : `default ${schema.default}`,
    isRequired === true && place !== "path" ? "required" : undefined,
  ];
  const what = facts.filter((fact) => fact !== undefined).join("; ");
  return `| \`${name}\` | ${place} | ${what.replaceAll("|", "\\|")} |\n`;
}

async function runExample(server: ApiServer, example: ApiExample): Promise<string> {
  const { args, path, keep, after, status = 0, onOutput } = example;
  const output = await runCurl(["-s", ...args, `${server.url}${path}`], status);
  onOutput?.(output);
  const command = ["curl -s", ...args.map(quote), quote(`${shownUrl}${path}`), ...(after === undefined ? [] : [after])];
  const shown = `\n\`\`\`sh\n${command.join(" ")}\n\`\`\`\n\n${formatOutput(output.replaceAll(server.url, shownUrl), keep)}`;
  return hideSecrets(shown);
}

/** What is shown can be run, with a secret of one's own. */
function hideSecrets(text: string): string {
  const asVariable = text.replace(/'Authorization: Bearer [^']+'/g, '"Authorization: Bearer $EET_TOKEN"');
  return [...shownSecrets].reduce((hidden, [secret, shown]) => hidden.replaceAll(secret, shown), asVariable);
}

/** @param status - the exit code that is expected */
function runCurl(args: readonly string[], status: number): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile("curl", [...args], { encoding: "utf8", timeout: 20_000 }, (error, output) => {
      if ((error?.code ?? 0) === status) resolve(output);
      else reject(error ?? new Error(`curl ${args.join(" ")} ended with 0 instead of ${status}`));
    });
  });
}

function formatOutput(output: string, keep: RegExp | undefined): string {
  const text = output.replaceAll("\r", "").trimEnd();
  const isJson = text.startsWith("{");
  const lines = (isJson ? JSON.stringify(JSON.parse(text), null, 2) : text).split("\n");
  const kept = keep === undefined ? lines : lines.filter((line) => keep.test(line));
  const shown = kept.slice(0, maxLineCount);
  const rest = kept.length > shown.length ? [`... ${kept.length - shown.length} more lines`] : [];
  // Lines taken out of JSON are none.
  const isWhole = isJson && keep === undefined && rest.length === 0;
  return shown.length === 0 ? "" : `\`\`\`${isWhole ? "json" : "text"}\n${[...shown, ...rest].join("\n")}\n\`\`\`\n`;
}

function quote(argument: string): string {
  return /^[\w./:@=-]+$/.test(argument) ? argument : `'${argument}'`;
}

if (import.meta.main) writeFileSync(new URL("../docs/api.md", import.meta.url), await formatApiDocs());
