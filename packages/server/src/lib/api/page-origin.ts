import type { IncomingHttpHeaders } from "node:http";
import { RequestError } from "../kernel/errors.ts";

/** Methods by which nothing is changed. */
export const safeMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);
/** What browsers say of where a request comes from; programs say nothing. */
const ownFetchSites: ReadonlySet<string> = new Set(["same-origin", "none"]);
const maxQuotedLength = 80;

/** A request, as far as it tells which page it comes from. */
export interface PageRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** Whether the client is known to have sent it by TLS. */
  readonly isTls: boolean;
}

/**
 * Refuses changes that a page of another site asks for, with whatever right the browser has here. Programs send no
 * Origin.
 *
 * @param publicUrl - where people find the page; left out: as each request names the server
 * @throws RequestError `ORIGIN_REFUSED`
 */
export function checkOrigin({ method, headers, isTls }: PageRequest, publicUrl?: string): void {
  if (safeMethods.has(method)) return;
  const { origin, host } = headers;
  const site = headers["sec-fetch-site"];
  const isOwnOrigin = origin === undefined || (host !== undefined && isOwn(origin, { host, isTls, publicUrl }));
  const isOwnSite = site === undefined || (typeof site === "string" && ownFetchSites.has(site));
  if (isOwnOrigin && isOwnSite) return;
  throw new RequestError(
    "ORIGIN_REFUSED",
    `${method} came from ${quote(origin ?? site)}; allowed: pages of ${host ?? "this server"}${isTls ? ", by https" : ""}`,
  );
}

/**
 * Whether a browser says that a page of this very server asks: same scheme, host and port. Programs say nothing and are
 * none.
 */
export function isOfOwnPage(request: Omit<PageRequest, "method">, publicUrl?: string): boolean {
  if (request.headers.origin === undefined) return false;
  try {
    checkOrigin({ ...request, method: "WebSocket" }, publicUrl);
    return true;
  } catch {
    return false;
  }
}

interface Place {
  /** As the Host header has it: without the scheme's usual port. */
  readonly host: string;
  readonly isTls: boolean;
  readonly publicUrl: string | undefined;
}

/**
 * Whoever is on the way can make a page in clear text of any name, so that it is none of a server that is found by TLS. A page
 * by https is this server's also where the request came in clear text: a proxy may have ended TLS and told nothing of it.
 */
function isOwn(origin: string, { host, isTls, publicUrl }: Place): boolean {
  const page = URL.parse(origin);
  if (page === null || page.host !== host.toLowerCase()) return false;
  if (page.protocol === "https:") return true;
  const found = publicUrl === undefined ? null : URL.parse(publicUrl);
  const isFoundByTls = found?.protocol === "https:" && found.host === page.host;
  return page.protocol === "http:" && !isTls && !isFoundByTls;
}

function quote(text: unknown): string {
  return JSON.stringify(String(text).slice(0, maxQuotedLength));
}
