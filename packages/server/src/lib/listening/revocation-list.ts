import type { X509Certificate } from "node:crypto";
import { AsnConvert } from "@peculiar/asn1-schema";
import { Certificate, CertificateList } from "@peculiar/asn1-x509";

const pemBlock = /-----BEGIN X509 CRL-----([\sA-Za-z0-9+/=]+)-----END X509 CRL-----/g;

/** Certificates that authorities have taken back. */
export interface RevocationList {
  /** Until when the lists count: behind it OpenSSL takes no certificate at all; `undefined`: without an end. */
  readonly endMs: number | undefined;
  has(certificate: X509Certificate): boolean;
}

/** No certificate is on it. */
export const emptyRevocationList: RevocationList = { endMs: undefined, has: () => false };

/**
 * Reads the revocation lists of a PEM file. Whether their authorities signed them is looked at in each handshake.
 *
 * @throws RangeError for a text without any; Error for one that is none inside
 */
export function parseRevocationList(pem: string): RevocationList {
  const lists = [...pem.matchAll(pemBlock)].map(([, body = ""]) => {
    return AsnConvert.parse(Buffer.from(body, "base64"), CertificateList).tbsCertList;
  });
  if (lists.length === 0) throw new RangeError("it holds no revocation list (-----BEGIN X509 CRL-----)");
  const ends = lists.flatMap(({ nextUpdate }) => nextUpdate?.getTime().getTime() ?? []);
  const revoked = new Set<string>();
  for (const { issuer, revokedCertificates = [] } of lists) {
    const name = Buffer.from(AsnConvert.serialize(issuer));
    for (const { userCertificate } of revokedCertificates) revoked.add(keyOf(name, userCertificate));
  }
  return {
    endMs: ends.length === 0 ? undefined : Math.min(...ends),
    has: ({ raw }) => {
      const { issuer, serialNumber } = AsnConvert.parse(raw, Certificate).tbsCertificate;
      return revoked.has(keyOf(Buffer.from(AsnConvert.serialize(issuer)), serialNumber));
    },
  };
}

function keyOf(issuer: Buffer, serial: ArrayBuffer): string {
  return `${issuer.toString("hex")}:${Buffer.from(serial).toString("hex")}`;
}
