import Type, { type TSchema } from "typebox";
import Value from "typebox/value";
import type { Setting } from "./setting.ts";

const booleanWords: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  "1": true,
  false: false,
  no: false,
  off: false,
  "0": false,
};

const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

const maxReceivedCharacters = 80;

/** Tells whether a layer leaves a setting open: nothing, `null`, or only spaces (a variable such as `S3_BUCKET=`). */
export function isUnset(received: unknown): boolean {
  return received === undefined || received === null || (typeof received === "string" && received.trim() === "");
}

/**
 * The value that a setting takes from what was received: a text from a variable or a flag, or anything that JSON can
 * hold. `undefined` when it is not allowed. Texts are trimmed; words such as `true` and `aws` count in any case.
 */
export function parseSettingValue(setting: Setting, received: unknown): unknown {
  const value = typeof received === "string" ? convertText(setting, received.trim()) : received;
  return Value.Check(setting.schema, value) ? value : undefined;
}

function convertText({ schema, normalise }: Pick<Setting, "schema" | "normalise">, text: string): unknown {
  if (Type.IsUnion(schema)) return schema.anyOf.map((each) => convertText({ schema: each }, text)).find(isThere);
  if (Type.IsBoolean(schema)) return booleanWords[text.toLowerCase()];
  if (Type.IsNumber(schema) || Type.IsInteger(schema)) return decimal.test(text) ? Number(text) : undefined;
  if (Type.IsEnum(schema)) return schema.enum.find((word) => String(word).toLowerCase() === text.toLowerCase());
  return normalise === undefined ? text : normalise(text);
}

function isThere(value: unknown): boolean {
  return value !== undefined;
}

/** The values that a setting takes, in words. */
export function describeAllowed({ allowed, schema }: Pick<Setting, "allowed" | "schema">): string {
  if (allowed !== undefined) return allowed;
  if (Type.IsBoolean(schema)) return "true, false";
  if (Type.IsEnum(schema)) return schema.enum.join(", ");
  if (Type.IsUnion(schema)) return schema.anyOf.map((each) => describeAllowed({ schema: each })).join(", or ");
  if (Type.IsInteger(schema)) return `whole number, ${describeRange(schema)}`;
  if (Type.IsNumber(schema)) return `number, ${describeRange(schema)}`;
  return "text";
}

function describeRange(schema: TSchema & { minimum?: unknown; maximum?: unknown }): string {
  return `${schema.minimum} to ${schema.maximum}`;
}

/** What was received, short enough for a message and without anything secret. */
export function describeReceived({ secret, redact }: Pick<Setting, "secret" | "redact">, received: unknown): string {
  if (secret) return "a secret value (not shown)";
  if (typeof received === "object" && received !== null) return Array.isArray(received) ? "a list" : "an object";
  // What stands before an @ may be a user and a password.
  const shown = typeof received === "string" && redact !== undefined ? redact(received) : received;
  const text = String(JSON.stringify(shown)).replace(/.*@/, '"****@');
  return text.length > maxReceivedCharacters ? `${text.slice(0, maxReceivedCharacters)}...` : text;
}
