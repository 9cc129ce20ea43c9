import type { ServerOptions } from "node:http";

/** What bounds the clients of the API, by the names of the settings. Values may change while a server runs. */
export interface ApiLimits {
  readonly maxHeaderBytes: number;
  readonly headersTimeoutS: number;
  readonly requestTimeoutS: number;
  readonly keepAliveTimeoutS: number;
  readonly maxBodyBytes: number;
  readonly maxJsonDepth: number;
  readonly maxEchoBytes: number;
  /** 0: any number. */
  readonly maxApiRequestsPerS: number;
  readonly maxExports: number;
  readonly maxPictures: number;
  readonly maxEventStreams: number;
  readonly maxViewersPerAddress: number;
}

/** As without any settings. */
export const defaultApiLimits: ApiLimits = {
  maxHeaderBytes: 16_384,
  headersTimeoutS: 15,
  requestTimeoutS: 30,
  keepAliveTimeoutS: 72,
  maxBodyBytes: 65_536,
  maxJsonDepth: 16,
  maxEchoBytes: 1_048_576,
  maxApiRequestsPerS: 100,
  maxExports: 16,
  maxPictures: 4,
  maxEventStreams: 100,
  maxViewersPerAddress: 50,
};

/** A client is cut off at most so much later than it should be. */
const maxCheckIntervalMs = 1_000;

/** The bounds of one HTTP connection, for `createServer` of node:http and node:https. */
export function httpServerOptions(limits: ApiLimits) {
  const requestTimeout = Math.round(limits.requestTimeoutS * 1000);
  // Node refuses to give the head more time than the whole.
  const headersTimeout = Math.min(Math.round(limits.headersTimeoutS * 1000), requestTimeout);
  return {
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout,
    requestTimeout,
    keepAliveTimeout: Math.round(limits.keepAliveTimeoutS * 1000),
    connectionsCheckingInterval: Math.min(maxCheckIntervalMs, Math.ceil(headersTimeout / 2)),
  } as const satisfies ServerOptions;
}
