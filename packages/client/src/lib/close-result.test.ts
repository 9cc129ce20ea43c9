import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeCloseResult } from "./close-result.ts";

describe("describeCloseResult", () => {
  it("gives the server's own fix for a refusal", () => {
    const text = describeCloseResult({ kind: "refused", status: 400, message: "bad id", fix: "Use letters." });
    assert.equal(text, "the server refused the connection with status 400 (bad id): Use letters.");
  });

  it("knows what to do about a refusal without a body", () => {
    const text = describeCloseResult({ kind: "refused", status: 404, message: undefined, fix: undefined });
    assert.equal(text, "the server refused the connection with status 404: check the path of the URL, usually /ws");
  });

  it("names code and reason of a server's close", () => {
    const text = describeCloseResult({ kind: "closed-by-server", code: 1008, reason: "invalid handshake" });
    assert.match(text, /^the server closed with 1008 "invalid handshake": /);
  });

  it("sends to the log for a code it does not know", () => {
    assert.equal(
      describeCloseResult({ kind: "closed-by-server", code: 4999, reason: "" }),
      "the server closed with 4999: see its log",
    );
  });

  it("falls back on the code of an error without a message", () => {
    const cause = Object.assign(new AggregateError([]), { code: "ECONNREFUSED" });
    assert.match(describeCloseResult({ kind: "unreachable", cause }), /^no connection \(ECONNREFUSED\): /);
  });
});
