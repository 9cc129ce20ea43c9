import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import proxyAddr from "@fastify/proxy-addr";
import { ConfigError, toError } from "../kernel/errors.ts";
import { noteForwardedAddress, noteForwardedTls } from "../kernel/forwarded-client.ts";

/** Headers in which proxies tell of the client; of those that are trusted, the first three count. */
const forwardedHeaders = [
  ...["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"],
  ...["forwarded", "x-real-ip", "x-forwarded-port", "x-forwarded-server", "x-forwarded-ssl", "cf-connecting-ip"],
] as const;
/** Some proxies add the port, and brackets that part it from an address of IPv6. */
const portPattern = /^(?:((?:\d+\.){3}\d+):\d+|\[([0-9A-Fa-f:.]+)\](?::\d+)?)$/;

/** Tells who is behind a proxy, where the proxy is known; what others say of it counts for nothing. */
export class TrustedProxies {
  /** Whether an address is that of a proxy; in the form that fastify takes. */
  readonly isTrusted: (address: string, hop: number) => boolean;
  /** Whether there is any. */
  readonly areThereAny: boolean;

  /**
   * @param list - as `Server:TrustedProxies` has it; left out: there is none
   * @throws ConfigError `CONFIG_BAD_VALUE`
   */
  constructor(list = "") {
    const networks = list
      .split(",")
      .map((network) => network.trim())
      .filter((network) => network !== "");
    this.areThereAny = networks.length > 0;
    this.isTrusted = this.areThereAny ? compile(networks) : () => false;
  }

  /**
   * Settles whom a request is from, before anything else looks at it: the client's address and scheme are noted, and `Host` becomes what
   * the client asked for. Of others the headers are taken away.
   *
   * @returns whether headers were taken away: that of a proxy which nobody named
   */
  settle(request: IncomingMessage): boolean {
    const { headers, socket } = request;
    const given = forwardedHeaders.filter((name) => headers[name] !== undefined);
    if (given.length === 0) return false;
    if (!this.isTrusted(socket.remoteAddress ?? "", 0)) {
      for (const name of given) delete headers[name];
      return true;
    }
    const chain = headers["x-forwarded-for"];
    if (chain !== undefined) headers["x-forwarded-for"] = withoutPorts(chain);
    // The nearest one that is no proxy's: what stands before it was written by who knows whom.
    const address = proxyAddr(request, this.isTrusted);
    if (isIP(address) !== 0 && !address.includes("%")) noteForwardedAddress(request, address);
    // Whom it is from then is not known: the proxy stands for it, here and wherever the header is read again.
    else delete headers["x-forwarded-for"];
    const scheme = lastOf(headers["x-forwarded-proto"]);
    if (scheme !== undefined) noteForwardedTls(request, scheme.toLowerCase() === "https");
    const host = lastOf(headers["x-forwarded-host"]);
    if (host !== undefined && host !== "") headers.host = host;
    return false;
  }
}

/** Each proxy appends to what it got. */
function lastOf(header: string | readonly string[] | undefined): string | undefined {
  return header === undefined ? undefined : [header].flat().join(",").split(",").at(-1)?.trim();
}

function withoutPorts(chain: string | readonly string[]): string {
  const entries = [chain].flat().join(",").split(",");
  return entries.map((entry) => entry.trim().replace(portPattern, "$1$2")).join(", ");
}

function compile(networks: readonly string[]): TrustedProxies["isTrusted"] {
  try {
    return proxyAddr.compile([...networks]);
  } catch (thrown) {
    throw new ConfigError("CONFIG_BAD_VALUE", `Server:TrustedProxies: ${toError(thrown).message}`);
  }
}
