import { LiveSession } from "./live-session.ts";
import type { Session, SessionOptions } from "./session.ts";
import { tlsOptionsOf } from "./ws-tls.ts";
import { connectWsWith } from "./ws-transport.ts";

/**
 * Creates a session whose frames are kept until the server has them on stable storage. [P-2]
 *
 * @throws RangeError for a bad address, device id, number, bound or certificate
 * @throws ProtocolError for a format that no server takes
 */
export function createSession(options: SessionOptions): Session {
  return new LiveSession(options, connectWsWith(tlsOptionsOf(options.tls)));
}
