import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type WireErrorCode, type WireErrorRow, wireErrors } from "./error-table.ts";

const rows = Object.entries(wireErrors) as [WireErrorCode, WireErrorRow][];

describe("wireErrors", () => {
  it("holds only close codes and reasons that devices in the field know [P-1.9]", () => {
    const known = new Set([
      "1003 binary required",
      "1008 invalid handshake",
      "1008 invalid audio frame",
      "1008 frame codec mismatch",
      "1008 frame payload size invalid",
      "1009 too big",
      "1002 ",
    ]);
    const used = new Set(
      rows.flatMap(([, row]) => (row.closeCode === undefined ? [] : [`${row.closeCode} ${row.closeReason}`])),
    );
    assert.deepEqual(used, known);
  });

  it("closes for what only the device's maker can repair and drops for what a new try may repair [P-1.9]", () => {
    const ackOnly = [
      "CONTROL_LENGTH",
      "RESUME_LATE",
      "FRAME_AFTER_FINISH",
      "FRAME_SEQ_JUMP",
      "SUPERSEDED",
    ] as const satisfies readonly WireErrorCode[];
    const dropped = rows
      .filter(([code, row]) => row.closeCode === undefined && !ackOnly.some((name) => name === code))
      .map(([code]) => code);
    const retryable = rows.filter(([, row]) => row.retry === "backoff").map(([code]) => code);
    assert.deepEqual(dropped, ["HANDSHAKE_TIMEOUT", "LIVENESS_TIMEOUT"]);
    assert.deepEqual(dropped, retryable);
  });

  it("has reasons that fit a close frame and codes of the durable protocol [P-2.8]", () => {
    const durable = new Set([1002, 1009, 4400, 4408, 4409, 4413, 4415, 4422]);
    assert.deepEqual(
      rows.filter(([, row]) => Buffer.byteLength(row.closeReason ?? row.title) > 123 || !durable.has(row.ackCloseCode)),
      [],
    );
  });

  it("tells in each row what is wrong and what to do", () => {
    const unfinished = rows.filter(([, row]) => row.title === "" || row.title.endsWith(".") || !row.fix.endsWith("."));
    assert.deepEqual(unfinished, []);
  });
});
