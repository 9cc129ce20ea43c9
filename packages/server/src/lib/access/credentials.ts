import type { IncomingHttpHeaders } from "node:http";

/** What a request says of who sends it. */
export interface Credentials {
  readonly way: "bearer" | "basic" | "subprotocol" | "url";
  readonly secret: string;
  /** The user of Basic; empty where it is left out. */
  readonly user?: string;
}

const subprotocolStart = "eet.bearer.";

/** Secrets of `Authorization: Bearer` and of Basic, whose password is the token. */
export function readAuthorization(header: string | undefined): Credentials | undefined {
  const [, scheme = "", value = ""] = /^(bearer|basic) +(\S+) *$/i.exec(header ?? "") ?? [];
  if (scheme.toLowerCase() === "bearer") return { way: "bearer", secret: value };
  if (scheme === "") return undefined;
  const text = Buffer.from(value, "base64").toString();
  // Ids may hold colons, tokens do not.
  const end = text.lastIndexOf(":");
  return { way: "basic", user: text.slice(0, Math.max(0, end)), secret: text.slice(end + 1) };
}

/**
 * Credentials of a device, the first present of: `Authorization: Bearer`, Basic, the subprotocol `eet.bearer.<base64url>`,
 * and, where that is on, `?token=`. [P-3.1]
 */
export function readDeviceCredentials(
  headers: IncomingHttpHeaders,
  url: string,
  isTokenInUrl: boolean,
): Credentials | undefined {
  const given = readAuthorization(headers.authorization) ?? readSubprotocol(headers["sec-websocket-protocol"]);
  if (given !== undefined || !isTokenInUrl) return given;
  const at = url.indexOf("?");
  const secret = at < 0 ? null : new URLSearchParams(url.slice(at)).get("token");
  return secret === null ? undefined : { way: "url", secret };
}

function readSubprotocol(header: string | undefined): Credentials | undefined {
  const name = header
    ?.split(",")
    .map((offered) => offered.trim())
    .find((offered) => offered.startsWith(subprotocolStart));
  if (name === undefined) return undefined;
  return { way: "subprotocol", secret: Buffer.from(name.slice(subprotocolStart.length), "base64url").toString() };
}
