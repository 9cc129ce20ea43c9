import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import Type from "typebox";
import { RequestError } from "../kernel/errors.ts";
import { parseByteRange } from "./byte-range.ts";
import { parseDeviceCursor, parseTimeCursor } from "./page-cursor.ts";
import { type HwidParams, IdParams, Limit, queryOf, StreamId } from "./parameters.ts";
import { PlainText } from "./plain-text.ts";
import { strictValidator } from "./strict-validator.ts";
import { parseTime } from "./time-parameter.ts";

const Query = queryOf({
  limit: Limit,
  stream: StreamId,
  resolution: Type.Optional(Type.Number({ minimum: 1, maximum: 1_000 })),
  has_gaps: Type.Optional(Type.Boolean()),
  tag: Type.Optional(PlainText("devices that have it", { max: 64 })),
});
const Body = Type.Object(
  {
    name: Type.Optional(Type.Union([PlainText("name", { max: 5 }), Type.Null()])),
    tags: Type.Optional(Type.Array(PlainText("tag", { min: 2, max: 4 }), { maxItems: 2 })),
  },
  { additionalProperties: false },
);

function validatorOf(schema: typeof Query | typeof Body | typeof IdParams | typeof HwidParams, httpPart: string) {
  const validate = strictValidator({ schema, method: "GET", url: "/", httpPart });
  return (value: unknown): unknown => {
    const outcome = validate(value);
    return typeof outcome === "object" && outcome !== null && "value" in outcome ? outcome.value : undefined;
  };
}
const query = validatorOf(Query, "querystring");
const body = validatorOf(Body, "body");
const id = validatorOf(IdParams, "params");

/** Texts like those that parsers trip over. */
const oddText = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: "binary" }),
  fc.stringMatching(/^[-+ ]?[0-9a-fxeE.]{0,20}$/),
  fc.constantFrom(
    "",
    " ",
    "1 ",
    "\u0000",
    "__proto__",
    "NaN",
    "Infinity",
    "-0",
    "1_000",
    "١",
    "1e3",
    "0x10",
    "~",
    "..",
  ),
);
const isRefusal = (error: unknown) => error instanceof RequestError && error.code === "PARAMETER_INVALID";

describe("strictValidator", () => {
  it("reads numbers and truth values of a query as answers write them", () => {
    const read = query({ limit: "10", stream: "0", resolution: "1.5", has_gaps: "false", tag: "house" });
    assert.deepEqual(read, { limit: 10, stream: 0, resolution: 1.5, has_gaps: false, tag: "house" });
    assert.deepEqual(id({ id: "1000" }), { id: 1000 });
  });

  it("looks at no more than the first names of many that it does not know", () => {
    const validate = strictValidator({ schema: Body, method: "PATCH", url: "/", httpPart: "body" });
    const names = Array.from({ length: 5_000 }, (_, index) => `k${index}`);
    const outcome = validate(Object.fromEntries(names.map((name) => [name, 1])));
    assert.deepEqual(outcome, {
      error: [
        { keyword: "additionalProperties", instancePath: "", params: { additionalProperties: names.slice(0, 9) } },
      ],
    });
  });

  it("refuses every other spelling", () => {
    for (const text of [
      "1.5",
      "1.0",
      "1e3",
      "+1",
      " 1",
      "1 ",
      "-1",
      "01",
      "0x10",
      "0b1",
      "1_0",
      "１",
      "",
      "1,0",
      "null",
    ]) {
      assert.equal(query({ limit: text }), undefined, text);
      assert.equal(id({ id: text }), undefined, text);
    }
    for (const text of ["1e2", "+1", ".5", "1.", "0x1", "Infinity", "NaN"])
      assert.equal(query({ resolution: text }), undefined, text);
    for (const text of ["1", "0", "TRUE", "yes", " true", ""]) assert.equal(query({ has_gaps: text }), undefined, text);
    assert.equal(query({ limit: ["1", "2"] }), undefined);
    assert.equal(query({ tag: ["a", "b"] }), undefined);
    assert.equal(query({ colour: "red" }), undefined);
  });

  it("gives for any text nothing, or the number that is written so", () => {
    fc.assert(
      fc.property(oddText, (text) => {
        const read = query({ limit: text }) as { limit: number } | undefined;
        if (read !== undefined) assert.equal(String(read.limit), text);
        const one = id({ id: text }) as { id: number } | undefined;
        if (one !== undefined) assert.equal(String(one.id), text);
      }),
    );
  });

  it("trims texts of people, and refuses blank ones, long ones and those with control characters", () => {
    assert.deepEqual(body({ name: "  Küche ", tags: [" ab", "cd\t"] }), { name: "Küche", tags: ["ab", "cd"] });
    assert.deepEqual(body({ name: null }), { name: null });
    assert.deepEqual(body({ name: "👩‍👩‍👦" }), { name: "👩‍👩‍👦" });
    assert.deepEqual(query({ tag: " house " }), { tag: "house" });
    for (const name of ["", "  ", "\u3000", "abcdef", "e\u0301\u0301\u0301\u0301\u0301"])
      assert.equal(body({ name }), undefined, JSON.stringify(name));
    for (const character of [
      "\u0000",
      "\u0007",
      "\n",
      "\u001b",
      "\u007f",
      "\u0085",
      "\u009b",
      "\u2028",
      "\u2029",
      "\ud800",
    ]) {
      assert.equal(body({ name: `a${character}b` }), undefined, JSON.stringify(character));
      assert.equal(body({ tags: ["ok", `a${character}b`] }), undefined, JSON.stringify(character));
      assert.equal(query({ tag: `a${character}b` }), undefined, JSON.stringify(character));
    }
  });

  it("lets no text of people through that is not clean, whatever comes", () => {
    fc.assert(
      fc.property(oddText, (text) => {
        const read = body({ name: text }) as { name: string } | undefined;
        if (read !== undefined) assert.match(read.name, /^(?! )[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]{1,5}(?<! )$/u);
      }),
    );
  });
});

describe("the parsers of queries and headers", () => {
  it("give something usable or a refusal for any text, and nothing else", () => {
    const nowMs = Date.UTC(2026, 2, 1);
    fc.assert(
      fc.property(oddText, (text) => {
        attempt(() => {
          const timeMs = parseTime("from", text, nowMs);
          assert.ok(timeMs >= 0 && timeMs <= 8.64e15);
        });
        attempt(() => assert.equal(typeof parseDeviceCursor(text), "string"));
        attempt(() => assert.ok(Number.isFinite(parseTimeCursor("segments", text).startMs)));
        attempt(() => assert.equal(typeof parseTimeCursor("sessions", text).id, "string"));
        const range = parseByteRange(`bytes=${text}`, 1000);
        if (range.kind === "part") assert.ok(range.start >= 0 && range.start < range.end && range.end <= 1000);
      }),
      { numRuns: 1_000 },
    );
  });
});

function attempt(parse: () => void): void {
  try {
    parse();
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
}
