import type { X509Certificate } from "node:crypto";

/** A certificate that a device has shown in the TLS handshake. */
export interface DeviceCertificate {
  /** For logs and answers: the subject's common name, or what stands for it. */
  readonly name: string;
  /** The device that it is for, sanitised; `undefined`: the subject names none. */
  readonly hwid: string | undefined;
  /** Why it was not good when it was shown, as a clause. */
  readonly fault: string | undefined;
  readonly x509: X509Certificate;
  /** Tells apart whose authorities it was checked against. */
  readonly authorities: string;
}
