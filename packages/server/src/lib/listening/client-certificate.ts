import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { sanitizeHwid } from "@eet/protocol";
import { AsnConvert } from "@peculiar/asn1-schema";
import { Certificate } from "@peculiar/asn1-x509";
import type { DeviceCertificate } from "../kernel/device-certificate.ts";

const maxNameLength = 80;
/** Object identifier of CN. */
const commonName = "2.5.4.3";

/** What OpenSSL says of certificates, in words; other codes are told as they are. */
const faults: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "it is past its time",
  CERT_NOT_YET_VALID: "its time has not begun",
  CERT_REVOKED: "its authority has revoked it",
  CRL_HAS_EXPIRED: "the server's revocation list has ended (Server:TlsClientCrl), so no certificate is taken",
  INVALID_PURPOSE: "it is not for clients (extended key usage)",
  UNABLE_TO_GET_CRL: "the server has no revocation list of its authority (Server:TlsClientCrl)",
  UNABLE_TO_GET_ISSUER_CERT: "no authority that the server knows has signed it",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "no authority that the server knows has signed it",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "no authority that the server knows has signed it",
  DEPTH_ZERO_SELF_SIGNED_CERT: "no authority that the server knows has signed it",
  SELF_SIGNED_CERT_IN_CHAIN: "no authority that the server knows has signed it",
};

/**
 * The certificate that a connection was opened with, `undefined` for one without. A device is named by the subject's only
 * common name (CN), which has to be an id as paths have it.
 *
 * @param authorities - see {@link DeviceCertificate}
 */
export function readClientCertificate(socket: TLSSocket, authorities: string): DeviceCertificate | undefined {
  const x509 = socket.getPeerX509Certificate();
  if (x509 === undefined) return undefined;
  const names = commonNamesOf(x509);
  const [name = "a certificate without a common name"] = names;
  return {
    name: name.slice(0, maxNameLength),
    hwid: names.length === 1 ? sanitizeHwid(name) : undefined,
    fault: socket.authorized ? undefined : describeFault(socket.authorizationError),
    x509,
    authorities,
  };
}

/** Node's own legacy object, which has them too, ends the process where the public key cannot be decoded. */
function commonNamesOf({ raw }: X509Certificate): readonly string[] {
  try {
    const { subject } = AsnConvert.parse(raw, Certificate).tbsCertificate;
    const names = subject.flatMap((part) => part.filter(({ type }) => type === commonName));
    // What is no text is a name that no device has.
    return names.map(({ value }) => (value.anyValue === undefined ? String(value) : ""));
  } catch {
    // OpenSSL takes more than is in order: it names nobody then.
    return [];
  }
}

/** Node's types say Error, what comes is the code. */
function describeFault(fault: unknown): string {
  const code = fault instanceof Error ? fault.message : String(fault);
  return faults[code] ?? code;
}
