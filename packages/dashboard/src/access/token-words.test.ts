import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Token } from "@eet/server/api-types";
import { describeEnd, describeHolder, describePattern, isLastAdmin } from "./token-words.ts";

const nowMs = Date.UTC(2026, 2, 1);
const admin: Token = {
  ...{ id: "a-1", kind: "api", name: "ann", hwid: null, role: "admin", state: "active" },
  ...{ created: "2026-02-01T00:00:00.000Z", expires: null, last_used: null, revoked: null },
};

describe("describePattern", () => {
  it("says of which devices a token is", () => {
    assert.equal(describePattern("*"), "every device");
    assert.equal(describePattern("kitchen-*"), "devices kitchen-*");
    assert.equal(describePattern("attic"), "the device attic");
  });
});

describe("describeHolder", () => {
  it("names a token by its name, by its devices or by its id", () => {
    assert.equal(describeHolder(admin), "ann");
    assert.equal(describeHolder({ ...admin, name: "" }), "admin a-1");
    assert.equal(describeHolder({ ...admin, name: "", role: null, hwid: "attic" }), "the device attic");
  });
});

describe("describeEnd", () => {
  it("tells what ends soon from what does not", () => {
    assert.deepEqual(describeEnd(null, nowMs), { text: "does not end", isSoon: false });
    assert.deepEqual(describeEnd("2026-03-01T20:00:00Z", nowMs), { text: "ends in 20\u00a0h", isSoon: true });
    assert.deepEqual(describeEnd("2026-03-31T00:00:00Z", nowMs), { text: "ends in 30\u00a0d", isSoon: false });
  });
});

describe("isLastAdmin", () => {
  it("is so for the only administrator's token that is good", () => {
    const gone: Token = { ...admin, id: "a-2", state: "revoked" };
    assert.equal(isLastAdmin(admin, [admin, gone]), true);
    assert.equal(isLastAdmin(gone, [admin, gone]), false);
    assert.equal(isLastAdmin(admin, [admin, { ...admin, id: "a-3" }]), false);
  });
});
