import { quoteValue } from "../kernel/quote-value.ts";

/** A fault that the validator found. */
export interface ValidationFault {
  readonly keyword?: string;
  /** JSON pointer into the part of the request. */
  readonly instancePath: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message?: string | undefined;
}

/** What of a JSON schema the messages are made of. */
export interface ParameterSchema {
  readonly type?: unknown;
  readonly description?: unknown;
  readonly minimum?: unknown;
  readonly maximum?: unknown;
  readonly pattern?: unknown;
  readonly enum?: unknown;
  readonly properties?: Readonly<Record<string, ParameterSchema>>;
}

/** Faults that one message tells. */
const maxFaultCount = 5;

/**
 * Tells in one line which fields are wrong, what was received and what is allowed.
 *
 * @param value - the part of the request that was checked: query, path parameters or body
 */
export function validationMessage(faults: readonly ValidationFault[], schema: ParameterSchema, value: unknown): string {
  // An unknown parameter is reported twice; of a field with several faults the first says enough.
  const lines = faults.filter(({ keyword }) => keyword !== "boolean").map((fault) => describe(fault, schema, value));
  const shown = [...new Set(lines)].slice(0, maxFaultCount);
  return shown.length > 0 ? shown.join("; and ") : "the request does not match its schema";
}

function describe(fault: ValidationFault, schema: ParameterSchema, value: unknown): string {
  const { keyword, instancePath, params } = fault;
  const properties = schema.properties ?? {};
  if (keyword === "additionalProperties" && instancePath === "") {
    const names = Object.keys(properties);
    return `${listOf(params["additionalProperties"])} is no parameter here; allowed: ${names.join(", ") || "none"}`;
  }
  if (keyword === "required" && instancePath === "") {
    const missing = Array.isArray(params["requiredProperties"]) ? params["requiredProperties"] : [];
    return missing
      .map((name) => `${name} is missing; allowed: ${describeAllowed(properties[name], fault)}`)
      .join("; and ");
  }
  const [, name = ""] = instancePath.split("/");
  if (name === "")
    return `the body is ${quoteValue(value)}; allowed: a JSON object with ${Object.keys(properties).join(", ")}`;
  const received = typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
  return `${name} is ${quoteValue(received)}; allowed: ${describeAllowed(properties[name], fault)}`;
}

function describeAllowed(schema: ParameterSchema | undefined, fault: ValidationFault): string {
  if (schema === undefined) return fault.message ?? "another value";
  const { type, minimum, maximum, description } = schema;
  if (Array.isArray(schema.enum)) return schema.enum.join(", ");
  if (type === "boolean") return "true or false";
  if (type === "integer" || type === "number") {
    const bounds = [minimum === undefined ? "" : ` from ${minimum}`, maximum === undefined ? "" : ` to ${maximum}`];
    return `${type === "integer" ? "an integer" : "a number"}${bounds.join("")}`;
  }
  return typeof description === "string" ? description : (fault.message ?? "another value");
}

function listOf(names: unknown): string {
  return Array.isArray(names) ? names.map((name) => quoteValue(name)).join(", ") : "one of them";
}
