import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { whenLost } from "./when-lost.ts";

describe("whenLost", () => {
  it("keeps the moment through attempts to connect, until one succeeds", () => {
    assert.equal(whenLost(undefined, "waiting", true, 5_000), 5_000);
    assert.equal(whenLost(5_000, "connecting", true, 6_000), 5_000);
    assert.equal(whenLost(5_000, "waiting", true, 7_000), 5_000);
    assert.equal(whenLost(5_000, "open", true, 8_000), undefined);
  });

  it("takes no first attempt for a loss", () => {
    assert.equal(whenLost(undefined, "connecting", true, 5_000), undefined);
  });

  it("counts requests that are not answered where nothing is live", () => {
    assert.equal(whenLost(undefined, "idle", false, 5_000), 5_000);
    assert.equal(whenLost(5_000, "idle", true, 6_000), undefined);
  });
});
