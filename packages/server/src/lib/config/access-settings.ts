import Type from "typebox";
import type { SettingDeclarations } from "./setting.ts";

/** Settings of section `Server` that say who may reach it. */
export const accessSettings = {
  allowedHosts: {
    schema: Type.Refine(Type.String(), isHostList),
    allowed: "host names separated by commas, such as `eet.example.org, *.lan`; `*` for any",
    defaultText: "localhost, addresses and the host listened on",
    description: "Further names by which the server is asked: a page of any other name is refused (DNS rebinding).",
  },
  publicUrl: {
    schema: Type.Refine(Type.String(), isPublicUrl),
    allowed: "an http or https URL without path, user, query and fragment, such as https://eet.example.org",
    defaultText: "as each request names the server",
    description:
      "Where people find the page: its host is allowed, an OpenID provider sends them back there; with https logins go over TLS only.",
  },
  insecureOpen: {
    schema: Type.Boolean(),
    fallback: false,
    description:
      "Lets a server without any token listen on other interfaces than loopback, or be behind a proxy: everybody may do all.",
  },
  tokenInUrl: {
    schema: Type.Boolean(),
    fallback: false,
    description: "Takes device tokens from `?token=` too, which proxies and browsers write into their logs.",
  },
} as const satisfies SettingDeclarations;

function isPublicUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && `${url.origin}/` === url.href && !/[\s?#@]/.test(text);
}

function isHostList(text: string): boolean {
  const names = text.split(",").map((name) => name.trim());
  return text.length <= 2_000 && names.every((name) => name === "*" || hostName.test(name));
}

const hostName = /^(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?$/;
