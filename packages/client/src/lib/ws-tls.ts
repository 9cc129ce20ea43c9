import { createSecureContext } from "node:tls";
import type { ClientOptions } from "ws";
import type { TlsIdentity } from "./tls-identity.ts";

/**
 * Options of a WebSocket over TLS.
 *
 * @throws RangeError for what OpenSSL does not take, or a certificate without its key
 */
export function tlsOptionsOf(identity: TlsIdentity | undefined): ClientOptions {
  if (identity === undefined) return {};
  const { ca, cert, key } = identity;
  if ((cert === undefined) !== (key === undefined)) throw new RangeError("a certificate and its key go together");
  try {
    // Read once, for all connections; not in the types of ws.
    const secureContext = createSecureContext({ ca, cert, key, minVersion: "TLSv1.2" });
    return { secureContext } as ClientOptions;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RangeError(`the certificate or key cannot be used: ${reason}`, { cause });
  }
}
