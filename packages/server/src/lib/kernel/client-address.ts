import type { IncomingMessage } from "node:http";
import ipaddr from "ipaddr.js";
import { forwardedAddressOf } from "./forwarded-client.ts";

/** Bits of an IPv6 address that are one customer's or one house's: within them addresses are had for nothing. */
const networkBits = 64;

/** The address of the client that a request comes from: the one place that tells it. */
export function clientAddressOf(request: Pick<IncomingMessage, "socket">): string {
  return forwardedAddressOf(request) ?? request.socket.remoteAddress ?? "";
}

/**
 * By what the limits per address count a client: IPv4 as it is, IPv6 by its /64.
 *
 * @param address - `undefined` once the connection is gone: all such clients count as one
 * @returns `undefined` for a client of this machine, which is not counted by address: a fleet behind a proxy that nobody
 *   named, or one that is simulated, comes from there as a whole
 */
export function addressKeyOf(address: string | undefined = ""): string | undefined {
  if (address !== last.address) last = { address, key: readKey(address) };
  return last.key;
}

/** A connection is asked for several times in a row, and many come by one address. */
let last: { readonly address: string; readonly key: string | undefined } = { address: "", key: "" };

function readKey(address: string): string | undefined {
  const bare = address.replace(/%.*$/, "");
  if (!ipaddr.IPv4.isValidFourPartDecimal(bare) && !ipaddr.IPv6.isValid(bare)) return address;
  const parsed = ipaddr.process(bare);
  if (parsed.range() === "loopback") return undefined;
  if (parsed.kind() === "ipv4") return parsed.toString();
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${parsed}/${networkBits}`)}/${networkBits}`;
}
