/** What a browser got in the end. */
export interface Page {
  readonly url: URL;
  readonly response: Response;
  /** Where the answer leads; its own address where it leads nowhere. */
  readonly location: URL;
}

/** Follows redirects and keeps cookies by host and path, as a browser does; it runs no scripts. */
export class CookieBrowser {
  /** By host and name. */
  readonly #cookies = new Map<string, { readonly host: string; readonly path: string; readonly pair: string }>();
  /** Every address so far. */
  readonly visited: URL[] = [];

  /** What it would send to an address. */
  cookieFor({ hostname, pathname }: URL): string {
    const found = [...this.#cookies.values()].filter(
      ({ host, path }) => host === hostname && pathname.startsWith(path),
    );
    return found.map(({ pair }) => pair).join("; ");
  }

  /** Opens an address. @param isLast - whether to stop there instead of going where the answer leads */
  async open(address: string, isLast: (url: URL) => boolean = () => false): Promise<Page> {
    for (let url = new URL(address), hops = 0; hops < 20; hops++) {
      this.visited.push(url);
      const response = await fetch(url, { redirect: "manual", headers: { cookie: this.cookieFor(url) } });
      for (const line of response.headers.getSetCookie()) this.#keep(url, line);
      const header = response.headers.get("location");
      const location = header === null ? url : new URL(header, url);
      if (header === null || isLast(location)) return { url, response, location };
      await response.body?.cancel();
      url = location;
    }
    throw new Error(`${address} leads in circles`);
  }

  #keep({ hostname: host }: URL, line: string): void {
    const [pair = "", ...flags] = line.split("; ");
    const [name = "", value] = pair.split("=");
    const flag = (wanted: string) =>
      flags.find((text) => text.toLowerCase().startsWith(`${wanted}=`))?.slice(wanted.length + 1);
    const isOver = value === "" || flag("max-age") === "0";
    if (isOver) this.#cookies.delete(`${host} ${name}`);
    else this.#cookies.set(`${host} ${name}`, { host, path: flag("path") ?? "/", pair });
  }
}
