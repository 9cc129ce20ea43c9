import type { IncomingMessage } from "node:http";
import { RequestError, type ServerError } from "../kernel/errors.ts";
import { tlsOf } from "./http-servers.ts";
import type { TlsKeeper } from "./tls-keeper.ts";

const maxQuotedLength = 80;

/** Tells why a request may not come in where TLS is not spoken: only what devices need is there. */
export function judgePlainRequest({ url = "", headers }: IncomingMessage): ServerError | undefined {
  const path = url.split("?", 1)[0] ?? "";
  const isDevice = headers.upgrade !== undefined && (path === "/ws" || path.startsWith("/ws/"));
  if (isDevice || path === "/healthz") return undefined;
  const quoted = JSON.stringify(path.slice(0, maxQuotedLength));
  return new RequestError("TLS_REQUIRED", `${quoted} was asked for without TLS, at the port for devices that cannot`);
}

/** Tells why a request may not come in where everybody has to show a certificate. */
export function judgeCertificate(request: IncomingMessage, keeper: TlsKeeper): ServerError | undefined {
  const tls = tlsOf(request);
  const certificate = tls && keeper.certificateOf(tls);
  if (certificate === undefined) {
    return new RequestError("CERTIFICATE_MISSING", "Server:TlsClients is required, and the client showed none");
  }
  const fault = keeper.judge(certificate);
  if (fault === undefined) return undefined;
  return new RequestError("CERTIFICATE_INVALID", `the certificate of ${JSON.stringify(certificate.name)}: ${fault}`);
}
