/** Which hosts and origins a server answers to. */
export interface HostPolicyOptions {
  /** What the server listens on: a name counts as its own, an address is one anyway. */
  readonly host: string;
  /** As the setting has them, see {@link isHostList}. Default: none. */
  readonly allowedHosts?: string | undefined;
  /** Where people find the page: its host is allowed. */
  readonly publicUrl?: string | undefined;
  /** Whether the server has a certificate for a name: nobody else points such a name at it. Default: for none. */
  readonly isCertified?: ((name: string) => boolean) | undefined;
}

/**
 * Tells requests for this server from those that a foreign page has led here: a page may point its own name at this
 * machine (DNS rebinding) and is then, to a browser, of the same origin. So a name must be known; an address cannot be
 * pointed elsewhere, and is always good.
 */
export class HostPolicy {
  readonly #names: ReadonlySet<string>;
  /** What names may end with, the leading dot included. */
  readonly #endings: readonly string[];
  readonly #takesAny: boolean;
  readonly #isCertified: (name: string) => boolean;

  constructor({ host, allowedHosts = "", publicUrl, isCertified = () => false }: HostPolicyOptions) {
    this.#isCertified = isCertified;
    const names = splitHostList(allowedHosts);
    this.#takesAny = names.includes("*");
    this.#endings = [".localhost", ...names.filter((name) => name.startsWith("*.")).map((name) => name.slice(1))];
    const own = publicUrl === undefined ? [] : [new URL(publicUrl).hostname];
    this.#names = new Set(["localhost", host.toLowerCase(), ...own, ...names]);
  }

  /**
   * Whether a request with this Host header is for this server.
   *
   * @param header - `undefined` in HTTP/1.0, which no browser speaks
   */
  allowsHost(header: string | undefined): boolean {
    if (header === undefined) return true;
    const name = hostNameOf(header);
    return name !== undefined && (this.#allowsName(name) || this.#isCertified(name));
  }

  /**
   * Whether a device may connect that sends this Origin. Programs send none or what is none: `file://`, an address with a
   * path. A browser sends that of its page, which has to be this server's own, of this machine, or of an allowed host:
   * else any page that is looked at could record. `Origin: null` tells of no page and is refused.
   */
  allowsDeviceOrigin(origin: string | undefined, host: string | undefined): boolean {
    if (origin === undefined || !isBrowserOrigin(origin)) return true;
    const name = URL.parse(origin)?.hostname;
    if (name === undefined || !this.allowsHost(host)) return false;
    if (isLoopbackHost(name) || name === hostNameOf(host ?? "")) return true;
    return !isAddress(name) && this.#allowsName(name);
  }

  #allowsName(name: string): boolean {
    if (this.#takesAny || isAddress(name)) return true;
    const plain = name.endsWith(".") ? name.slice(0, -1) : name;
    return this.#names.has(plain) || this.#endings.some((ending) => plain.endsWith(ending));
  }
}

/** Whether nobody but programs of this machine reaches what listens on a host. */
export function isLoopbackHost(host: string): boolean {
  return /^(?:localhost|.+\.localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);
}

/** The host of a Host header in the one form that URLs have, `undefined` where it is none. */
function hostNameOf(header: string): string | undefined {
  if (!/^[^\s/?#@\\]+$/.test(header)) return undefined;
  return URL.parse(`http://${header}`)?.hostname || undefined;
}

/** In the form of {@link hostNameOf}: what ends in a number is an address there. */
function isAddress(name: string): boolean {
  return name.startsWith("[") || /^\d+\.\d+\.\d+\.\d+$/.test(name);
}

/** The WHATWG's serialisation: nothing stands behind host and port. */
function isBrowserOrigin(origin: string): boolean {
  return origin === "null" || /^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+$/i.test(origin);
}

function splitHostList(list: string): readonly string[] {
  return list
    .toLowerCase()
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}
