import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatHeadroom } from "./headroom.ts";

describe("formatHeadroom", () => {
  it("tells how long it lasts at the rate that there is", () => {
    const { lead, note } = formatHeadroom({
      free_bytes: 5e9,
      headroom_hours: 12.5,
      bytes_per_hour: 4e8,
      rate_known_s: 3_600,
    });
    assert.deepEqual([lead, note], ["12 hours of room", "at 400 MB an hour, as in the last one"]);
  });

  it("does not take some minutes for an hour", () => {
    const young = { free_bytes: 5e9, headroom_hours: 12.5, bytes_per_hour: 1.31e8, rate_known_s: 190 };
    assert.equal(formatHeadroom(young).note, "at 131 MB an hour, judged by the last 3\u00a0min");
  });

  it("tells what is free while there is no rate, and why", () => {
    const unknown = formatHeadroom({ free_bytes: 5e9, headroom_hours: null, bytes_per_hour: null, rate_known_s: 20 });
    assert.deepEqual([unknown.lead, unknown.note], ["5.0 GB free", "how long it lasts is known in a minute"]);
    const idle = formatHeadroom({ free_bytes: 5e9, headroom_hours: null, bytes_per_hour: 0, rate_known_s: 3_600 });
    assert.equal(idle.note, "it does not fill: as much goes as comes, by the last hour");
  });
});
