import type { CaseRandom } from "./byte-mutator.ts";

/** Texts of JSON values that stand where others are expected. */
const values: readonly string[] = [
  ...["null", "true", "false", "0", "-0", "1", "-1", "0.5", "1e999", "-1e999", "1e-400", "9007199254740993", "1e21"],
  ...["4294967295", "4294967296", "2147483648", "-2147483649", "65536", "256", '""', '"\\u0000"', '"\\ud800"', '".."'],
  ...['"../../etc/passwd"', '"__proto__"', '"NaN"', '"true"', '"1"', "[]", "{}", "[[]]", "[null]", '{"":0}'],
  ...['{"__proto__":{"x":1}}', '{"constructor":1,"length":-1}', `"${"x".repeat(3_000)}"`],
];
const maxDepth = 20_000;
/** How often something is nested as deep as that: it costs. */
const deepShare = 0.003;

/** A place in a JSON document: the object or array, and the key or index in it. */
interface Place {
  readonly holder: Record<string, unknown> | unknown[];
  readonly key: string;
}

/** Stands for a text that is put in as it is. */
const mark = "\u0001mark\u0001";

/**
 * The text of a JSON document with one to three of its values replaced, removed, renamed, swapped or nested.
 *
 * @param document - a plain value; it is left as it is
 */
export function mutateJson(document: unknown, random: CaseRandom): string {
  let text = JSON.stringify(document) ?? "null";
  for (let left = 1 + random.below(3); left > 0; left -= 1) {
    try {
      text = changeOnce(JSON.parse(text), random);
    } catch {
      // It is no JSON any more, or nested too deep to be written again.
      return text;
    }
  }
  return text;
}

function changeOnce(document: unknown, random: CaseRandom): string {
  const places = listPlaces(document);
  if (places.length === 0) return random.pick(values);
  const { holder, key } = random.pick(places);
  const fields = holder as Record<string, unknown>;
  const put = (text: string) => {
    fields[key] = mark;
    return JSON.stringify(document).replace(JSON.stringify(mark), () => text);
  };
  switch (random.below(6)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete fields[key];
      return JSON.stringify(document);
    case 1:
      fields[random.pick(["__proto__", "constructor", `${key}x`, key.toUpperCase(), ""])] = fields[key];
      return JSON.stringify(document);
    case 2: {
      const other = random.pick(places);
      fields[key] = structuredClone((other.holder as Record<string, unknown>)[other.key]);
      return JSON.stringify(document);
    }
    case 3:
      return put(nest(random));
    default:
      return put(random.pick(values));
  }
}

function nest(random: CaseRandom): string {
  const depth = random.chance(deepShare) ? maxDepth : 1 + random.below(40);
  return random.chance(0.5) ? "[".repeat(depth) + "]".repeat(depth) : `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
}

function listPlaces(value: unknown, places: Place[] = [], depth = 0): readonly Place[] {
  if (typeof value !== "object" || value === null || depth > 50) return places;
  const holder = value as Place["holder"];
  for (const key of Object.keys(holder)) {
    places.push({ holder, key });
    listPlaces((holder as Record<string, unknown>)[key], places, depth + 1);
  }
  return places;
}
