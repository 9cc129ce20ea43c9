import Type, { type TString } from "typebox";

/** Neither control characters nor line and paragraph separators, nor halves of a character. */
const allowedCharacter = String.raw`[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]`;

/** Set on schemas whose texts are trimmed before they are checked. */
const isTrimmed = "x-trimmed";

/**
 * Text that people give, of one line: names, tags, notes, reasons. Blanks around it are taken off, so that it is not
 * blank. A character is a code point.
 *
 * @param what - completes "name is ...; allowed: "
 */
export function PlainText(what: string, { min = 1, max }: { readonly min?: number; readonly max: number }): TString {
  return Type.String({
    minLength: min,
    maxLength: max,
    // The lengths above may be counted in what people see as one character, of which each may have any length.
    pattern: `^${allowedCharacter}{${min},${max}}$`,
    description: `${what}: ${min} to ${max} characters on one line, control characters excluded`,
    [isTrimmed]: true,
  });
}

/** A schema, as far as texts are found by it. */
interface NestedSchema {
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly items?: unknown;
  readonly anyOf?: readonly unknown[];
}

/** Takes the blanks off that stand around texts of {@link PlainText}; everything else stays as it is. */
export function trimTexts(schema: unknown, value: unknown): unknown {
  if (typeof schema !== "object" || schema === null) return value;
  if (typeof value === "string") return holdsText(schema) ? value.trim() : value;
  const { properties, items } = schema as NestedSchema;
  if (Array.isArray(value)) return items === undefined ? value : value.map((item) => trimTexts(items, item));
  if (typeof value !== "object" || value === null || properties === undefined) return value;
  // Of many names that nobody knows none is looked at.
  const trimmed = Object.entries(properties)
    .filter(([name]) => Object.hasOwn(value, name))
    .map(([name, part]) => {
      const item: unknown = Reflect.get(value, name);
      return { name, item, fresh: trimTexts(part, item) };
    })
    .filter(({ item, fresh }) => item !== fresh)
    .map(({ name, fresh }) => [name, fresh]);
  return trimmed.length === 0 ? value : { ...value, ...Object.fromEntries(trimmed) };
}

function holdsText(schema: object): boolean {
  if (isTrimmed in schema) return true;
  const { anyOf = [] } = schema as NestedSchema;
  return anyOf.some((choice) => typeof choice === "object" && choice !== null && holdsText(choice));
}
