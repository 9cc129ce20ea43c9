import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fail, load } from "../../../../../test/support/settings-layers.ts";

const tls = { "tls-cert": "a.pem", "tls-key": "a.key" };

describe("findListeningIssues", () => {
  it("names what a setting of TLS lacks", () => {
    const missing = (flags: Readonly<Record<string, string>>) => fail({ flags }).issues.map(({ key }) => key);
    assert.deepEqual(missing({ "tls-cert": "a" }), ["Server:TlsKey"]);
    assert.deepEqual(missing({ "tls-key": "a" }), ["Server:TlsCert"]);
    assert.deepEqual(missing({ ...tls, "tls-clients": "required" }), ["Server:TlsClientCa"]);
    assert.deepEqual(missing({ ...tls, "tls-client-ca": "c" }), ["Server:TlsClients"]);
    assert.deepEqual(missing({ "tls-clients": "optional", "tls-client-ca": "c" }), ["Server:TlsCert"]);
    assert.deepEqual(missing({ ...tls, "tls-client-crl": "r" }), ["Server:TlsClientCa"]);
    assert.equal(
      load({ flags: { ...tls, "tls-clients": "Optional", "tls-client-ca": "c" } }).settings.server.tlsClients,
      "optional",
    );
  });
});

describe("Server:TrustedProxies", () => {
  it("takes addresses and networks, and nothing that could mean another one", () => {
    for (const list of ["127.0.0.1", "10.0.0.0/8, ::1", "fd00::/8", "::ffff:10.0.0.1"]) {
      assert.equal(load({ flags: { "trusted-proxies": list } }).settings.server.trustedProxies, list);
    }
    for (const list of [
      "proxy.lan",
      "10.0.0/8",
      "10.0.0.0/0",
      "10.0.0.0/33",
      "::/0",
      "::1/129",
      "*",
      "1.2.3.4,",
      "1.2.3.256",
    ]) {
      assert.equal(fail({ flags: { "trusted-proxies": list } }).issues[0]?.key, "Server:TrustedProxies", list);
    }
  });
});
