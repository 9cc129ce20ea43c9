import type { FastifySchemaCompiler } from "fastify";
import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { trimTexts } from "./plain-text.ts";
import type { ValidationFault } from "./validation-message.ts";

/** Numbers as they are written: no sign, no exponent, no other base, no blanks, no zeros in front. */
const wholeNumber = /^(?:0|[1-9]\d{0,15})$/;
const decimalNumber = /^(?:0|[1-9]\d{0,15})(?:\.\d{1,9})?$/;

/** Checks the parts of a request; what stands in a path or a query is text, and is read as its schema says. */
export const strictValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  let compiled: ReturnType<typeof Compile> | undefined;
  return (value: unknown) => {
    // With its first request: most routes of a server that starts are asked for much later, if ever.
    compiled ??= Compile(schema);
    const check = compiled;
    const strangers = findStrangers(schema, value);
    if (strangers !== undefined) return { error: strangers as never };
    const read = trimTexts(schema, httpPart === "body" ? value : readParameters(schema, value));
    if (check.Check(read)) return { value: read };
    return { error: check.Errors(read) as never };
  };
};

/** So many names that a schema does not know are no slip of the pen: nothing else is looked at. */
const maxStrangerCount = 8;

/** The fault of a part with many unknown names, which would cost as much to check as the client likes. */
function findStrangers(schema: TSchema, value: unknown): readonly ValidationFault[] | undefined {
  const { properties, additionalProperties } = schema as NestedSchema;
  if (properties === undefined || additionalProperties !== false) return undefined;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const strangers: string[] = [];
  for (const name in value) {
    if (Object.hasOwn(properties, name)) continue;
    strangers.push(name);
    if (strangers.length <= maxStrangerCount) continue;
    const params = { additionalProperties: strangers };
    return [{ keyword: "additionalProperties", instancePath: "", params }];
  }
  return undefined;
}

interface NestedSchema {
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly additionalProperties?: unknown;
}

/**
 * Reads numbers and truth values of a path or a query. What is written in another way than answers are stays text, so
 * that it is refused: `1e3`, `0x10`, `+1`, `1.0` for a whole number, `yes`.
 */
export function readParameters(schema: unknown, value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const { properties = {} } = schema as { readonly properties?: Readonly<Record<string, { readonly type?: unknown }>> };
  const read = Object.entries(value).map(([name, text]) => {
    return [name, typeof text === "string" ? readParameter(properties[name]?.type, text) : text];
  });
  return Object.fromEntries(read);
}

function readParameter(type: unknown, text: string): unknown {
  if (type === "integer" && wholeNumber.test(text)) return Number(text);
  if (type === "number" && decimalNumber.test(text)) return Number(text);
  if (type === "boolean" && (text === "true" || text === "false")) return text === "true";
  return text;
}
