import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { selectSubprotocol, supportedSubprotocols } from "./subprotocol.ts";

describe("selectSubprotocol", () => {
  it("selects eet.v1, wherever it stands among the offers [P-2.1]", () => {
    assert.equal(selectSubprotocol(["eet.v1"]), "eet.v1");
    assert.equal(selectSubprotocol(["arduino", "eet.bearer.c2VjcmV0", "eet.v1"]), "eet.v1");
  });

  it("prefers eet.v1+ack, in whatever order it is offered [P-2.1]", () => {
    assert.equal(selectSubprotocol(["eet.v1+ack"]), "eet.v1+ack");
    assert.equal(selectSubprotocol(["eet.v1", "eet.v1+ack"]), "eet.v1+ack");
  });

  it("selects nothing among unknown names [P-2.1]", () => {
    assert.equal(selectSubprotocol([]), undefined);
    assert.equal(selectSubprotocol(["arduino"]), undefined);
    assert.equal(selectSubprotocol(["EET.V1"]), undefined);
    assert.equal(selectSubprotocol(["eet.v1+acks"]), undefined);
  });

  it("never echoes a name that it does not support", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom(...supportedSubprotocols))), (offered) => {
        const selected = selectSubprotocol(offered);
        assert.equal(
          selected !== undefined,
          supportedSubprotocols.some((name) => offered.includes(name)),
        );
        assert.ok(selected === undefined || supportedSubprotocols.includes(selected));
      }),
    );
  });
});
