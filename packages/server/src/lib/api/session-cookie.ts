import type { FastifyReply, FastifyRequest } from "fastify";
import { secureSessionCookie, sessionCookie } from "../access/access.ts";
import type { AccessGuard } from "./access-guard.ts";

export interface Cookie {
  readonly name: string;
  /** Empty, with `maxAgeS` 0: taken back. */
  readonly value: string;
  readonly path: string;
  /** `Strict`: never sent by requests that a page of another site makes; `Lax`: when such a page leads here. */
  readonly sameSite: "Strict" | "Lax";
  readonly maxAgeS: number;
}

/** A request of a browser, and the answer to it. */
export interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly guard: Pick<AccessGuard, "isFoundByTls">;
}

/** Sets a cookie that no script reads; it goes over TLS only where the browser is here by TLS. */
export function setCookie(exchange: Exchange, { name, value, path, sameSite, maxAgeS }: Cookie): void {
  const parts = [`${name}=${value}`, `Path=${path}`, "HttpOnly", `SameSite=${sameSite}`, `Max-Age=${maxAgeS}`];
  // One more is added to those that are set already.
  exchange.reply.header("set-cookie", [...parts, ...(isByTls(exchange) ? ["Secure"] : [])].join("; "));
}

/** Sets the cookie of a session. */
export function setSessionCookie(exchange: Exchange, value: string, maxAgeS: number): void {
  const name = isByTls(exchange) ? secureSessionCookie : sessionCookie;
  setCookie(exchange, { name, value, path: "/", sameSite: "Strict", maxAgeS });
}

/** Takes the cookie of a session back, under each name that the browser may have it by. */
export function endSessionCookie(exchange: Exchange): void {
  // Over clear text a browser takes nothing that has the prefix, and has sent no such cookie.
  for (const name of isByTls(exchange) ? [secureSessionCookie, sessionCookie] : [sessionCookie]) {
    setCookie(exchange, { name, value: "", path: "/", sameSite: "Strict", maxAgeS: 0 });
  }
}

/** A proxy that ends TLS leaves the Origin as the browser sent it; where a browser sends none, the way to the page counts. */
function isByTls({ request, guard }: Exchange): boolean {
  const { origin } = request.headers;
  if (origin === undefined || request.protocol === "https") return guard.isFoundByTls(request);
  return origin.startsWith("https:");
}
