import type { IncomingMessage } from "node:http";

/** By request: held as long as the request itself. */
const addresses = new WeakMap<object, string>();
const secured = new WeakMap<object, boolean>();

/** Notes whom a request is from, where a proxy that is trusted says so. */
export function noteForwardedAddress(request: object, address: string): void {
  addresses.set(request, address);
}

/** The address that a trusted proxy has named, `undefined` for a request that came straight. */
export function forwardedAddressOf(request: object): string | undefined {
  return addresses.get(request);
}

/** Notes whether a client sent a request by TLS, where a proxy that is trusted says so. */
export function noteForwardedTls(request: object, isTls: boolean): void {
  secured.set(request, isTls);
}

/** Whether a client is known to have sent a request by TLS: to this server, or to a proxy that is trusted. */
export function cameByTls(request: Pick<IncomingMessage, "socket">): boolean {
  return secured.get(request) ?? "encrypted" in request.socket;
}

/** Whom a request is from, for the log: with the port where it came straight, else with the proxy. */
export function remoteOf(request: Pick<IncomingMessage, "socket">): string {
  const { remoteAddress, remotePort } = request.socket;
  const forwarded = forwardedAddressOf(request);
  const peer = `${remoteAddress}:${remotePort}`;
  return forwarded === undefined ? peer : `${forwarded} by ${peer}`;
}
