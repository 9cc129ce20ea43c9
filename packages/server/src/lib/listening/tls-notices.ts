import type { X509Certificate } from "node:crypto";
import type { TlsMaterial } from "./tls-material.ts";

const dayMs = 86_400_000;
/** Before the end of a certificate, or a quarter of its life where that is less. */
const nearEndMs = 14 * dayMs;
/** Of a revocation list: authorities write new ones each day, or each week. */
const nearListEndMs = 6 * 3_600_000;

/** Something about certificates that a person has to see to; what it is about works still, or is served all the same. */
export interface TlsNotice {
  /** As a clause. */
  readonly message: string;
  /** What to do, an imperative sentence. */
  readonly fix: string;
}

const renew =
  "Renew it (`certbot renew`, your authority's tool); the server takes the new files over by itself, without a restart.";

/** What is to be said about times and names of certificates. @param nowMs - ms since 1970 */
export function findTlsNotices(
  { certificate, clientAuthorities, revocations, files }: TlsMaterial,
  nowMs: number,
): readonly TlsNotice[] {
  const notices: TlsNotice[] = [];
  const own = judgeTimes(certificate, nowMs);
  if (own !== undefined) notices.push({ message: `the certificate ${files.cert.path} ${own}`, fix: renew });
  if (certificate.subjectAltName === undefined) {
    const fix = "Make one with the server's names: browsers and devices look for them there alone.";
    notices.push({ message: `the certificate ${files.cert.path} names no host (subjectAltName)`, fix });
  }
  for (const authority of clientAuthorities) {
    const fault = judgeTimes(authority, nowMs);
    if (fault === undefined) continue;
    const fix = "Put its successor beside it into Server:TlsClientCa, and give devices certificates of that one.";
    notices.push({ message: `the authority ${authority.subject.replaceAll("\n", ", ")} ${fault}`, fix });
  }
  const { endMs } = revocations;
  if (endMs !== undefined && endMs - nowMs < nearListEndMs) {
    const isOver = endMs <= nowMs;
    const state = isOver ? "ended, so no certificate of a device is taken" : "ends";
    const fix = "Write a new one, such as by `openssl ca -gencrl`; it is taken over by itself.";
    notices.push({ message: `the revocation list ${files.clientCrl?.path} ${state} (${toIso(endMs)})`, fix });
  }
  return notices;
}

/** What is wrong with a certificate's times, if anything. */
function judgeTimes({ validFromDate, validToDate }: X509Certificate, nowMs: number): string | undefined {
  const [startMs, endMs] = [validFromDate.getTime(), validToDate.getTime()];
  if (nowMs >= endMs) return `ended at ${toIso(endMs)}`;
  if (nowMs < startMs) return `begins only at ${toIso(startMs)}; the clock of this machine may be wrong`;
  if (endMs - nowMs >= Math.min(nearEndMs, (endMs - startMs) / 4)) return undefined;
  return `ends at ${toIso(endMs)}, in ${((endMs - nowMs) / dayMs).toFixed(1)} days`;
}

function toIso(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/\.\d+Z$/, "Z");
}
