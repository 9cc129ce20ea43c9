import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addressKeyOf } from "./client-address.ts";

describe("addressKeyOf", () => {
  it("takes IPv4 as it is, however it is written", () => {
    assert.equal(addressKeyOf("192.0.2.7"), "192.0.2.7");
    assert.equal(addressKeyOf("::ffff:192.0.2.7"), "192.0.2.7");
    assert.notEqual(addressKeyOf("192.0.2.7"), addressKeyOf("192.0.2.8"));
  });

  it("takes IPv6 by its /64, as one house has all of it", () => {
    assert.equal(addressKeyOf("2001:db8:1:2:3:4:5:6"), addressKeyOf("2001:db8:1:2::9"));
    assert.notEqual(addressKeyOf("2001:db8:1:2::1"), addressKeyOf("2001:db8:1:3::1"));
    assert.equal(addressKeyOf("fe80::1%eth0"), addressKeyOf("fe80::2"));
  });

  it("does not count this machine", () => {
    for (const address of ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"]) {
      assert.equal(addressKeyOf(address), undefined, address);
    }
  });

  it("takes what is no address as it is", () => {
    assert.equal(addressKeyOf("unknown"), "unknown");
  });

  it("takes clients that have gone for one", () => {
    assert.equal(addressKeyOf(undefined), "");
  });
});
