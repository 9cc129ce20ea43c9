import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { RequestError } from "../kernel/errors.ts";
import { formatCursor, parseDeviceCursor, parseTimeCursor, parseUploadCursor } from "./page-cursor.ts";

const isBadParameter = (error: unknown) => error instanceof RequestError && error.code === "PARAMETER_INVALID";

describe("formatCursor", () => {
  it("writes what the parsers read back", () => {
    fc.assert(
      fc.property(
        fc.double({ noNaN: true, min: 0, max: 8.64e15 }),
        fc.nat(),
        fc.stringMatching(/^\w{1,24}$/),
        (startMs, id, session) => {
          assert.deepEqual(parseTimeCursor("segments", formatCursor({ startMs, id })), { startMs, id });
          assert.deepEqual(parseTimeCursor("sessions", formatCursor({ startMs, id: session })), {
            startMs,
            id: session,
          });
          assert.equal(parseDeviceCursor(formatCursor(session)), session);
        },
      ),
    );
  });
});

describe("parseTimeCursor", () => {
  it("refuses a cursor of another list and what is none", () => {
    const ofSessions = formatCursor({ startMs: 1, id: "abc" });
    assert.throws(() => parseTimeCursor("segments", ofSessions), isBadParameter);
    for (const cursor of ["", "%%%", "bnVsbA", ofSessions.slice(1)]) {
      assert.throws(() => parseTimeCursor("sessions", cursor), isBadParameter);
    }
  });
});

describe("parseUploadCursor", () => {
  it("reads what formatCursor writes for uploads, and nothing else", () => {
    assert.deepEqual(parseUploadCursor(formatCursor([1, 1_772_366_400_000.5, 7])), [1, 1_772_366_400_000.5, 7]);
    for (const cursor of ["", formatCursor("mic"), formatCursor({ startMs: 1, id: 2 })]) {
      assert.throws(() => parseUploadCursor(cursor), isBadParameter);
    }
  });
});

describe("parseDeviceCursor", () => {
  it("refuses what is no place among devices", () => {
    assert.throws(() => parseDeviceCursor(formatCursor({ startMs: 1, id: 2 })), isBadParameter);
  });
});
