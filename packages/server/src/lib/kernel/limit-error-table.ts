import type { ErrorRow } from "./error-row.ts";

/** The errors of limits: what a client, a device or all together may ask of the server. docs/security.md lists the limits. */
export const limitErrors = {
  BODY_TOO_LARGE: {
    title: "The request body is larger than allowed",
    httpStatus: 413,
    retry: "after-fix",
    fix: "Send at most 1 MiB to /echo (Server:MaxEchoBytes), 64 KiB to /api (Server:MaxBodyBytes), 8 KiB where the body has no list.",
  },
  JSON_TOO_DEEP: {
    title: "The request body has more levels than allowed",
    httpStatus: 400,
    retry: "after-fix",
    fix: "Send what the API asks for: nothing of it has more than 4 levels (Server:MaxJsonDepth).",
  },
  REQUEST_TIMEOUT: {
    title: "The request did not come to its end in time",
    httpStatus: 408,
    retry: "backoff",
    fix: "Send the head within 15 seconds, all of it within 30 (Server:HeadersTimeoutS, :RequestTimeoutS); a device streams over WebSocket instead.",
  },
  HEADERS_TOO_LARGE: {
    title: "Path and headers of the request are larger than allowed",
    httpStatus: 431,
    retry: "after-fix",
    fix: "Send at most 16 KiB of path and headers, cookies included (Server:MaxHeaderBytes).",
  },
  LOGIN_LIMIT: {
    title: "Too many attempts with wrong credentials came from this address",
    httpStatus: 429,
    ackCloseCode: 4429,
    retry: "backoff",
    fix: "Try again after the seconds that Retry-After tells.",
  },
  EXPORT_LIMIT: {
    title: "As many exports are running as may at once",
    httpStatus: 503,
    retry: "backoff",
    fix: "Try again after the seconds that Retry-After tells.",
  },
  PICTURE_LIMIT: {
    title: "As many peaks and spectrograms are being drawn as may at once",
    httpStatus: 503,
    retry: "backoff",
    fix: "Try again after the seconds that Retry-After tells.",
  },
  EVENT_STREAM_LIMIT: {
    title: "As many clients follow the events as may at once",
    httpStatus: 503,
    retry: "backoff",
    fix: "Close a client that is not needed, or read the event log by its cursor.",
  },
  VIEWER_LIMIT: {
    title: "As many viewers are connected as may at once",
    httpStatus: 503,
    retry: "backoff",
    fix: "Close a page that is not needed, then connect again.",
  },
  VIEWER_ADDRESS_LIMIT: {
    title: "As many viewers are connected from this address as may",
    httpStatus: 429,
    retry: "backoff",
    fix: "Close a page that is not needed, or raise Server:MaxViewersPerAddress.",
  },
  SUBSCRIPTION_LIMIT: {
    title: "The viewer has as many subscriptions as it may",
    retry: "after-fix",
    fix: "Stop a subscription that is not needed, or use its id again.",
  },
  SIMULATION_LIMIT: {
    title: "As many simulated devices are running as may at once",
    httpStatus: 409,
    retry: "after-fix",
    fix: "Stop one first: DELETE /api/v1/simulated-devices/{hwid}; each also ends by itself.",
  },
  CONNECTION_LIMIT: {
    title: "The server carries as many connections as it may",
    httpStatus: 503,
    retry: "backoff",
    fix: "Raise Server:MaxConnections and send SIGHUP; the limit of open files (`ulimit -n`) needs a restart.",
  },
  SOCKET_LIMIT: {
    title: "The server has as many TCP connections as it may",
    retry: "backoff",
    fix: "Raise Server:MaxSockets, or close what is not needed; a connection over the limit is closed without a word.",
  },
  DEVICE_LIMIT: {
    title: "The device has as many connections as it may",
    httpStatus: 429,
    ackCloseCode: 4429,
    retry: "backoff",
    fix: "Give each device an id of its own, and let it close a connection before it opens another (Server:MaxConnectionsPerDevice).",
  },
  ADDRESS_LIMIT: {
    title: "As many devices are connected from this address as may",
    httpStatus: 429,
    ackCloseCode: 4429,
    retry: "backoff",
    fix: "Raise Server:MaxConnectionsPerAddress for a fleet behind one address; name a proxy in Server:TrustedProxies.",
  },
  HANDSHAKE_LIMIT: {
    title: "Too many connections wait for their handshake",
    httpStatus: 503,
    ackCloseCode: 4503,
    retry: "backoff",
    fix: "Send the handshake as soon as the connection is open, and try again after a random pause (Server:MaxHandshakes).",
  },
  CONTROL_LIMIT: {
    title: "Too many PING and PONG came",
    ackCloseCode: 4429,
    retry: "backoff",
    fix: "Send a PING every few seconds, no more often; the server needs none (Server:MaxControlFramesPerS).",
  },
  INGRESS_LIMIT: {
    title: "The device sends faster than it is read",
    retry: "backoff",
    fix: "Nothing is lost: the server reads it more slowly for a while (Server:MaxRateFactor, Server:MaxFramesPerS).",
  },
  OVERLOADED: {
    title: "More is received than the disk takes",
    httpStatus: 503,
    ackCloseCode: 4503,
    retry: "backoff",
    fix: "Connect again later; the operator looks at the disk's speed, or raises Server:MaxQueuedMb.",
  },
  API_RATE_LIMIT: {
    title: "Too many requests came",
    httpStatus: 429,
    retry: "backoff",
    fix: "Ask less often: RateLimit-Remaining and Retry-After tell how (Server:MaxApiRequestsPerS).",
  },
} as const satisfies Record<string, ErrorRow>;
