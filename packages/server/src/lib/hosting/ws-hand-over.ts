import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Upgrade } from "../ingest/connection-taker.ts";
import { pathOf } from "../ingest/route.ts";
import { forwardedAddressOf, noteForwardedAddress } from "../kernel/forwarded-client.ts";
import type { PlainUpgrade } from "./ingest-messages.ts";

/** Of a handshake. The rest may hold what lets its bearer in. */
const handedHeaders = ["upgrade", "connection", "sec-websocket-key", "sec-websocket-version"] as const;
/** What only looks like a subprotocol: browsers have no other place for a token. [P-3.2] */
const bearerStart = "eet.bearer.";

/** What Node keeps under a socket; not documented, unchanged since Node 0.x. */
interface SocketHandle {
  reading: boolean;
  readStop(): void;
  /** May be called again. */
  close(): void;
}

/** A socket as `net.Server` makes it. */
interface ServedSocket {
  readonly _handle?: SocketHandle | null;
  server: unknown;
}

/** An upgrade without its socket. */
export interface DetachedUpgrade {
  readonly plain: PlainUpgrade;
  /**
   * Closes the socket here, whatever became of it. Node takes it away from its `Socket` when it is sent, but leaves it open until
   * the other process has it: one that dies before would leave the client waiting for ever.
   */
  readonly close: () => void;
}

/**
 * Makes an upgrade ready to be handed to another process: nothing is read of its socket here any more.
 */
export function detachUpgrade({ request, socket, head }: Upgrade): DetachedUpgrade {
  const served = socket as unknown as ServedSocket;
  const handle = served._handle;
  if (handle) {
    handle.readStop();
    handle.reading = false;
  }
  // Else the server would ask the other process how the socket fares, and wait for it when it closes.
  served.server = null;
  const rest: Buffer | null = socket.read();
  const plain = {
    url: pathOf(request.url ?? ""),
    headers: pickHeaders(request.headers),
    forwardedAddress: forwardedAddressOf(request),
    head: rest === null ? head : Buffer.concat([head, rest]),
  };
  return { plain, close: () => handle?.close() };
}

function pickHeaders(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const picked: IncomingHttpHeaders = {};
  for (const name of handedHeaders) if (headers[name] !== undefined) picked[name] = headers[name];
  const offered = headers["sec-websocket-protocol"];
  const plain = offered?.split(",").filter((name) => !name.trim().startsWith(bearerStart));
  if (plain !== undefined && plain.length > 0) picked["sec-websocket-protocol"] = plain.join(",");
  return picked;
}

/** Joins a socket that came from another process to what {@link detachUpgrade} made there. */
export function attachUpgrade({ url, headers, forwardedAddress, head }: PlainUpgrade, socket: Socket): Upgrade {
  // As those of an HTTP server: an answer may still go to a client that sends no more.
  socket.allowHalfOpen = true;
  // All that is ever asked of it.
  const request = { method: "GET", url, headers, socket } as unknown as IncomingMessage;
  if (forwardedAddress !== undefined) noteForwardedAddress(request, forwardedAddress);
  return { request, socket, head: Buffer.from(head.buffer, head.byteOffset, head.byteLength) };
}
