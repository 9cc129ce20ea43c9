import assert from "node:assert/strict";
import type { ApiServer } from "./api-server.ts";
import { type DocumentedResponses, ResponseSchemas, responseKeyOf } from "./response-schemas.ts";

/** What of an OpenAPI document the client uses. */
export interface OpenapiDocument {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenapiOperation>>>>;
}

interface OpenapiOperation extends DocumentedResponses {
  readonly operationId: string;
  readonly parameters?: readonly OpenapiParameter[];
  readonly requestBody?: unknown;
}

interface OpenapiParameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly required?: boolean;
}

interface FoundOperation {
  readonly template: string;
  readonly method: string;
  readonly operation: OpenapiOperation;
}

/** A call of an operation. */
export interface Call {
  readonly path?: Readonly<Record<string, string | number>>;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: that of the operation. */
  readonly method?: "HEAD";
}

type Row = Readonly<Record<string, unknown>>;

/** A checked answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
  /** Parsed; `undefined` when it is no JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it as they please
  readonly json: any;
}

/** Calls a server by its OpenAPI document alone, and holds every answer against it. */
export class ContractClient {
  readonly document: OpenapiDocument;
  /** Operations that were answered with success. */
  readonly succeeded = new Set<string>();
  readonly #server: ApiServer;
  readonly #schemas: ResponseSchemas;

  private constructor(server: ApiServer, document: OpenapiDocument) {
    this.#server = server;
    this.document = document;
    this.#schemas = new ResponseSchemas(document);
  }

  static async open(server: ApiServer): Promise<ContractClient> {
    return new ContractClient(server, await server.json<OpenapiDocument>("/api/openapi.json"));
  }

  /** Ids of all operations. */
  get operationIds(): readonly string[] {
    return Object.values(this.document.paths).flatMap((methods) =>
      Object.values(methods).map(({ operationId }) => operationId),
    );
  }

  /** Calls an operation. @throws AssertionError for an answer that the document does not have */
  async call(operationId: string, call: Call = {}): Promise<Answer> {
    const { template, method, operation } = this.#find(operationId);
    const response = await this.#server.fetch(makePath(template, operation, call), {
      method: call.method ?? method.toUpperCase(),
      headers: { ...(call.body !== undefined && { "content-type": "application/json" }), ...call.headers },
      ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    const type = response.headers.get("content-type")?.split(";")[0] ?? "";
    const { status, headers } = response;
    const isJson = /\bjson$/.test(type) && bytes.length > 0 && status !== 206;
    const json = isJson ? JSON.parse(bytes.toString()) : undefined;
    this.#check(`${operationId} ${status}`, { template, method, operation }, { status, type, json, bytes }, call);
    if (status < 400) this.succeeded.add(operationId);
    return { status, headers, bytes, json };
  }

  /** All rows of a list, page by page. */
  async pages(operationId: string, name: string, query: NonNullable<Call["query"]>): Promise<readonly Row[]> {
    const rows: Row[] = [];
    let cursor: string | null = null;
    do {
      const given: Call["query"] = cursor === null ? query : { ...query, cursor };
      const { json }: Answer = await this.call(operationId, { query: given });
      rows.push(...json[name]);
      cursor = json.next_cursor;
    } while (cursor !== null);
    return rows;
  }

  /** Calls an operation that is to be refused. @returns the code of the problem */
  async refusal(operationId: string, call: Call = {}): Promise<string> {
    const { status, json } = await this.call(operationId, call);
    assert.ok(status >= 400, `${operationId} is refused`);
    assert.equal(json.status, status);
    return json.code;
  }

  #find(operationId: string): FoundOperation {
    for (const [template, methods] of Object.entries(this.document.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        if (operation.operationId === operationId) return { template, method, operation };
      }
    }
    throw new Error(`the document has no operation ${operationId}`);
  }

  #check(
    what: string,
    { template, method, operation }: FoundOperation,
    { status, type, json, bytes }: { status: number; type: string; json: unknown; bytes: Buffer },
    call: Call,
  ): void {
    const key = responseKeyOf(operation, status);
    assert.ok(key !== undefined, `${what} is documented; it has ${Object.keys(operation.responses).join(", ")}`);
    const { content } = operation.responses[key] ?? {};
    if (call.method === "HEAD" || content === undefined) {
      assert.equal(bytes.length, 0, `${what} has no body`);
      return;
    }
    assert.ok(type in content, `${what} has a type that is documented: ${type} is none of ${Object.keys(content)}`);
    if (json === undefined) return;
    const isBinary = Reflect.get(Reflect.get(content, type) as object, "schema")?.format === "binary";
    if (isBinary) return;
    const fault = this.#schemas.fault({ template, method, key, type }, json);
    assert.ok(fault === undefined, `${what}: ${fault}`);
  }
}

function makePath(template: string, { parameters = [] }: OpenapiOperation, { path = {}, query = {} }: Call): string {
  const names = new Set(parameters.map(({ name }) => name));
  const known = template.replaceAll(/\{(\w+)\}/g, (_match, name: string) => {
    assert.ok(names.has(name), `${template} declares ${name}`);
    return encodeURIComponent(String(path[name]));
  });
  const search = new URLSearchParams(
    Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
  );
  return search.size === 0 ? known : `${known}?${search}`;
}
