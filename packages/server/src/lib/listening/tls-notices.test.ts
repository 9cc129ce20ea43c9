import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Authority, type CertificateOptions } from "../../../../../test/support/certificates.ts";
import { makeTlsMaterial } from "./tls-material.ts";
import { findTlsNotices } from "./tls-notices.ts";

const authority = await Authority.make("EET test");
const hourMs = 3_600_000;

async function notices(options: CertificateOptions, crlUntilD = 7): Promise<readonly string[]> {
  const { cert, key } = await authority.server(options);
  const material = makeTlsMaterial({
    cert: { path: "server.pem", text: cert },
    key: { path: "server.key", text: key },
    clientCa: { path: "ca.pem", text: authority.pem },
    clientCrl: { path: "crl.pem", text: await authority.revoke([], crlUntilD) },
  });
  return findTlsNotices(material, Date.now()).map(({ message }) => message);
}

describe("findTlsNotices", () => {
  it("says nothing of what is good for a while", async () => {
    assert.deepEqual(await notices({}), []);
    assert.deepEqual(await notices({ fromD: -3, untilD: 3 }), [], "half of its life is left");
  });

  it("tells of the end of a certificate in time, by its life", async () => {
    assert.match(
      (await notices({ fromD: -80, untilD: 10 }))[0] ?? "",
      /^the certificate server\.pem ends at .* 10\.0 days$/,
    );
    assert.match((await notices({ fromD: -5, untilD: 1 }))[0] ?? "", /in 1\.0 days$/);
    assert.match((await notices({ fromD: -80, untilD: -1 }))[0] ?? "", /^the certificate server\.pem ended at /);
    assert.match((await notices({ fromD: 1 }))[0] ?? "", /begins only at .*clock/);
  });

  it("tells of the end of a revocation list, which shuts out all", async () => {
    assert.match((await notices({}, -1))[0] ?? "", /^the revocation list crl\.pem ended, so no certificate/);
    assert.match((await notices({}, hourMs / 86_400_000))[0] ?? "", /^the revocation list crl\.pem ends /);
  });
});
