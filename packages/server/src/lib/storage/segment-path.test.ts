import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatSegmentFolder, formatSegmentName } from "./segment-path.ts";

const naming = {
  hwid: "mic-1",
  streamId: 7,
  session: "k3j9x2ab",
  index: 12,
  startMs: Date.UTC(2026, 1, 3, 4, 5, 6, 789),
};

describe("formatSegmentName", () => {
  it("joins stream id, hwid, UTC time of the first sample, session and index [S-1.1]", () => {
    assert.equal(formatSegmentName(naming), "stream_7_mic-1_20260203_040506_k3j9x2ab-12");
  });

  it("leaves the hwid out where there is none [S-1.1]", () => {
    assert.equal(formatSegmentName({ ...naming, hwid: null }), "stream_7_20260203_040506_k3j9x2ab-12");
  });

  it("cuts fractions of a second, whole milliseconds or not", () => {
    const startMs = Date.UTC(2026, 11, 31, 23, 59, 59, 999) + 0.9;
    assert.match(formatSegmentName({ ...naming, startMs }), /_20261231_235959_/);
  });
});

describe("formatSegmentFolder", () => {
  it("fills every token", () => {
    const template = "{hwid}/{yyyy}/{MM}/{dd}/{HH}/s={streamId}";
    assert.equal(formatSegmentFolder(template, naming), "mic-1/2026/02/03/04/s=7");
  });

  it("leaves out what comes out empty", () => {
    assert.equal(formatSegmentFolder("{hwid}", { ...naming, hwid: null }), "");
    assert.equal(formatSegmentFolder("a/{hwid}/{yyyy}", { ...naming, hwid: null }), "a/2026");
    assert.equal(formatSegmentFolder("a/.{hwid}/b", { ...naming, hwid: null }), "a/b");
  });

  it("leaves alone what is no token", () => {
    assert.equal(formatSegmentFolder("{minute}/{", naming), "{minute}/{");
  });
});
