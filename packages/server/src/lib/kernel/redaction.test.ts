import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createSecret } from "../access/token.ts";
import { RequestError } from "./errors.ts";
import { redactSecrets, redactTokens } from "./redaction.ts";

describe("redactTokens", () => {
  it("takes out tokens wherever they stand, and leaves their ids and other words", () => {
    const [device, person] = [createSecret("device"), createSecret("api")];
    const text = `no token has the id "${device}"; /api/v1/tokens/${person}?x eet_d_ a-0123456789ab eet_segments`;
    const shown = 'no token has the id "eet_d_****"; /api/v1/tokens/eet_a_****?x eet_d_ a-0123456789ab eet_segments';
    assert.equal(redactTokens(text), shown);
  });

  it("is applied to whatever an error of the server says", () => {
    assert.equal(new RequestError("BAD_REQUEST", `it is ${createSecret("api")}`).message, "it is eet_a_****");
  });
});

describe("redactSecrets", () => {
  it("takes out what is known", () => {
    assert.equal(redactSecrets("key AKID, token (a+b)*, AKID", ["AKID", "(a+b)*", ""]), "key ****, token ****, ****");
  });
});
