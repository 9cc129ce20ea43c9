import type { Socket } from "node:net";
import type { ServerError } from "../kernel/errors.ts";
import type { IngressLimits } from "./ingress-limits.ts";
import type { WsSocket } from "./ws-socket.ts";
import type { WsThrottle } from "./ws-throttle.ts";

/** With so much unsent a client is owed no more answers: it does not read them. */
const maxUnansweredBytes = 64 * 1024;

/** What a link is made of. */
export interface WsLinkParts {
  /** Just upgraded, with no message emitted yet. */
  readonly ws: WsSocket;
  /** The TCP or TLS socket underneath. */
  readonly socket: Socket;
  readonly throttle: WsThrottle;
  readonly limits: IngressLimits;
}

/** One open WebSocket, as the endpoint keeps it. */
export interface WsLink {
  /** Bytes in memory of a message that is not whole yet, at most. */
  readonly partialBytes: number;
  /** Looks at the clock; called about once a second. */
  sweep(): void;
  /** Drops TCP without a CLOSE frame, after what was read is handled. [P-1.9] */
  stop(): void;
  /** Ends the connection because who is there may not be there any more. */
  expel(error: ServerError): void;
  /** Resolves when the socket is gone and what came over it is durable; never rejects. */
  readonly ended: Promise<void>;
}

/** Answers a PING, unless the connection is ending or the client reads nothing. */
export function answerPing(ws: WsSocket, data: Buffer): void {
  if (ws.readyState === ws.OPEN && ws.bufferedAmount < maxUnansweredBytes) ws.pong(data, false);
}
