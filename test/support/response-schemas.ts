import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

/** Of an operation: what its answers may be. */
export interface DocumentedResponses {
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;
}

/** Where an answer's schema stands in an OpenAPI document. */
export interface SchemaPlace {
  /** `/api/v1/devices/{hwid}` */
  readonly template: string;
  /** In small letters, as the document has it. */
  readonly method: string;
  /** As {@link responseKeyOf} gives it. */
  readonly key: string;
  readonly type: string;
}

/** @returns the name by which an operation documents answers of a status; `undefined` where it has none */
export function responseKeyOf({ responses }: DocumentedResponses, status: number): string | undefined {
  return [String(status), `${String(status)[0]}XX`].find((name) => name in responses);
}

/** The schemas of an OpenAPI document's answers. */
export class ResponseSchemas {
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });
  readonly #validators = new Map<string, ValidateFunction>();

  constructor(document: object) {
    addFormats.default(this.#ajv, ["date-time"]);
    this.#ajv.addFormat("binary", true);
    this.#ajv.addSchema(document, "api");
  }

  /** @returns what is wrong with the body of an answer; `undefined` when nothing is */
  fault({ template, method, key, type }: SchemaPlace, body: unknown): string | undefined {
    const pointer = ["paths", template, method, "responses", key, "content", type, "schema"].map(escapePointer);
    const validate = this.#validatorOf(`api#/${pointer.join("/")}`);
    if (validate(body)) return undefined;
    return `${this.#ajv.errorsText(validate.errors)} in ${JSON.stringify(body, null, 1)}`;
  }

  #validatorOf(reference: string): ValidateFunction {
    const known = this.#validators.get(reference) ?? this.#ajv.compile({ $ref: reference });
    this.#validators.set(reference, known);
    return known;
  }
}

function escapePointer(part: string): string {
  return encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"));
}
