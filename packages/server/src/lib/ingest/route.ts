import { type Hwid, sanitizeHwid } from "@eet/protocol";

/** What an upgrade request asks for. */
export type Route =
  | { readonly name: "device"; readonly hwid: Hwid | null }
  | { readonly name: "echo" }
  | { readonly name: "bad-hwid"; readonly raw: string }
  | { readonly name: "unknown" };

/**
 * Reads the path of an upgrade request. [P-1.8]
 *
 * The path is judged as it came, not percent-decoded, so that no two spellings name one device; the query string is
 * not looked at.
 *
 * @param url - the request's target, such as `/ws/mic-7?token=x`
 */
export function parseRoute(url: string): Route {
  const path = pathOf(url);
  if (path === "/ws" || path === "/ws/") return { name: "device", hwid: null };
  if (path === "/ws/echo") return { name: "echo" };
  if (!path.startsWith("/ws/")) return { name: "unknown" };
  const raw = path.slice("/ws/".length);
  const hwid = sanitizeHwid(raw);
  return hwid === undefined ? { name: "bad-hwid", raw } : { name: "device", hwid };
}

/** The target without its query string, where a token may stand: fit for logs and answers. */
export function pathOf(url: string): string {
  const end = url.indexOf("?");
  return end === -1 ? url : url.slice(0, end);
}
