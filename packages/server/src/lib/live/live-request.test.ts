import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatHwid, LiveRequestError, parseHwid, parseLiveRequest } from "./live-request.ts";

function faultOf(text: string): { readonly id: number | null; readonly message: string } {
  try {
    parseLiveRequest(text);
  } catch (thrown) {
    assert.ok(thrown instanceof LiveRequestError);
    return { id: thrown.requestId, message: thrown.message };
  }
  throw new assert.AssertionError({ message: `${text} was taken` });
}

const hwidsOf = (count: number) => JSON.stringify(Array.from({ length: count }, (_, index) => `m${index}`));

describe("parseLiveRequest", () => {
  it("takes the requests of docs/live.md", () => {
    for (const request of [
      { type: "fleet", id: 1, hwids: ["mic-1", "~"] },
      { type: "fleet", id: 65_535, hwids: [] },
      { type: "device", id: 2, hwid: "mic-1" },
      { type: "device", id: 2, hwid: "~", stream_id: 4_294_967_295, spectrum_bins: 512 },
      { type: "listen", id: 0, hwid: "mic-1", stream_id: 0 },
      { type: "past", id: 4, hwid: "mic-1", session: "k3v9x0a1b2c3", from_sample: 0, to_sample: 800 },
      { type: "past", id: 4, hwid: "~", session: "a", from_sample: 5, to_sample: 2 ** 53 - 1, spectrum_bins: 256 },
      { type: "past", id: 4, hwid: "~", session: "a", from_sample: 0, to_sample: 2, spectrum_bins: 0 },
      { type: "stop", id: 3 },
    ]) {
      assert.deepEqual(parseLiveRequest(JSON.stringify(request)), request);
    }
    assert.equal(parseLiveRequest(`{"type":"fleet","id":1,"hwids":${hwidsOf(200)}}`).id, 1);
  });

  it("says what was received and what is allowed", () => {
    assert.deepEqual(faultOf('{"type":"listen","id":7}'), {
      id: 7,
      message: "hwid is missing; allowed: a string of 1 to 64 of A-Z a-z 0-9 _ -, or ~ for devices without an id",
    });
    assert.deepEqual(faultOf('{"type":"play","id":7}'), {
      id: 7,
      message: 'type is "play"; allowed: fleet, device, listen, past, stop',
    });
    assert.deepEqual(faultOf('{"type":"stop","id":65536}'), {
      id: null,
      message: "id is 65536; allowed: an integer from 0 to 65535",
    });
    assert.equal(
      faultOf('{"type":"device","id":1,"hwid":"a","spectrum_bins":100}').message,
      "spectrum_bins is 100; allowed: 128, 256 or 512",
    );
    assert.equal(
      faultOf('{"type":"device","id":1,"hwid":"a","spectrum_bins":0}').message,
      "spectrum_bins is 0; allowed: 128, 256 or 512",
    );
  });

  it("refuses unknown fields, other types and lists that are too long or say things twice", () => {
    for (const text of [
      '{"type":"stop","id":1,"hwid":"a"}',
      '{"type":"stop","id":"1"}',
      '{"type":"stop","id":1.5}',
      '{"type":"toString","id":1}',
      '{"type":"listen","id":1,"hwid":"a/b"}',
      '{"type":"listen","id":1,"hwid":"a","stream_id":-1}',
      '{"type":"past","id":1,"hwid":"a","session":"../a","from_sample":0,"to_sample":1}',
      '{"type":"past","id":1,"hwid":"a","session":"a","from_sample":-1,"to_sample":1}',
      '{"type":"past","id":1,"hwid":"a","session":"a","from_sample":0,"to_sample":9007199254740992}',
      `{"type":"fleet","id":1,"hwids":${hwidsOf(201)}}`,
      '{"type":"fleet","id":1,"hwids":["a","a"]}',
      '{"type":"fleet","id":1,"hwids":"a"}',
      "[]",
      "null",
      "5",
      "{",
      "",
    ]) {
      assert.match(faultOf(text).message, /allowed: /, text);
    }
  });

  it("says no to what is nested deeper than can be quoted", () => {
    const deep = "[".repeat(16_000) + "]".repeat(16_000);
    assert.match(faultOf(`{"type":${deep},"id":1}`).message, /^type is a deeply nested value; allowed: /);
    assert.match(faultOf(`{"type":"stop","id":${deep}}`).message, /^id is a deeply nested value; allowed: /);
  });
});

describe("parseHwid", () => {
  it("takes ~ for no id", () => {
    assert.deepEqual([parseHwid("~"), parseHwid("a")], [null, "a"]);
    assert.deepEqual([formatHwid(null), formatHwid("a")], ["~", "a"]);
  });
});
