/** Where and why a text is not JSON. */
export interface JsonFault {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 code units. */
  readonly column: number;
  /** What could stand there. */
  readonly expected: string;
  /** The one character found, quoted, or `the end`. Never more of the text: it may hold secrets. */
  readonly found: string;
}

type Token = "{" | "}" | "[" | "]" | "," | ":" | "string" | "scalar" | "the end";
type State = "value" | "firstValue" | "firstKey" | "key" | "colon" | "inObject" | "inArray" | "top" | "done";
type Row = Partial<Record<Token, State | "closed">>;

const value: Row = { "{": "firstKey", "[": "firstValue", string: "closed", scalar: "closed" };

/** RFC 8259 as a table: state > token > next state. After `closed`, the enclosing bracket decides. */
const grammar: Readonly<Record<Exclude<State, "done">, Row>> = {
  value,
  firstValue: { ...value, "]": "closed" },
  firstKey: { string: "colon", "}": "closed" },
  key: { string: "colon" },
  colon: { ":": "value" },
  inObject: { ",": "key", "}": "closed" },
  inArray: { ",": "value", "]": "closed" },
  top: { "the end": "done" },
};

// Unrolled, so that an unterminated string costs linear time.
const plain = /[ !#-[\]-\uffff]*/.source;
const string = `"${plain}(?:\\\\(?:["\\\\/bfnrt]|u[0-9a-fA-F]{4})${plain})*"`;
const scalar = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/.source;
const tokenPattern = new RegExp(`[ \\t\\r\\n]*(?:([{}[\\],:])|(${string})|(${scalar})|($)|)`, "y");

/**
 * Finds the first place at which a text stops being JSON, `undefined` if it is JSON. `JSON.parse` finds it too, but
 * its messages leave the position out at times and quote the text around it, which may hold secrets.
 */
export function findJsonFault(text: string): JsonFault | undefined {
  const enclosing: ("inObject" | "inArray")[] = [];
  let state: State = "value";
  let at = 0;
  while (state !== "done") {
    const { token, start, end } = readToken(text, at);
    const row: Row = grammar[state];
    const next = token && row[token];
    if (next === undefined) return describeFault(text, start, row);
    if (token === "{" || token === "[") enclosing.push(token === "{" ? "inObject" : "inArray");
    if (token === "}" || token === "]") enclosing.pop();
    state = next === "closed" ? (enclosing.at(-1) ?? "top") : next;
    at = end;
  }
  return undefined;
}

function readToken(text: string, at: number): { token: Token | undefined; start: number; end: number } {
  tokenPattern.lastIndex = at;
  const [all = "", mark, quoted, bare, end] = tokenPattern.exec(text) ?? [];
  const after = at + all.length;
  const start = after - (mark ?? quoted ?? bare ?? "").length;
  if (mark !== undefined) return { token: mark as Token, start, end: after };
  const token =
    quoted !== undefined ? "string" : bare !== undefined ? "scalar" : end !== undefined ? "the end" : undefined;
  return { token, start, end: after };
}

function describeFault(text: string, at: number, row: Row): JsonFault {
  const lines = text.slice(0, at).split("\n");
  const character = text.codePointAt(at);
  return {
    line: lines.length,
    column: (lines.at(-1) ?? "").length + 1,
    expected: Object.keys(row)
      .map((token) =>
        token === "scalar" ? "a number, true, false or null" : token.length === 1 ? `'${token}'` : token,
      )
      .join(" or "),
    found: character === undefined ? "the end" : JSON.stringify(String.fromCodePoint(character)),
  };
}
