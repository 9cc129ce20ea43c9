import Type from "typebox";
import type { SettingDeclarations } from "./setting.ts";
import type { SettingsIssue } from "./settings-error.ts";

const path = { schema: Type.String({ minLength: 1 }), allowed: "a path, relative to the working folder or absolute" };
/** Of a list in one text. */
const maxListLength = 2_000;

/** Settings of section `Server` that say how it is reached: TLS, a second listener without it, proxies. */
export const listeningSettings = {
  tlsCert: {
    ...path,
    defaultText: "none: no TLS",
    description: "PEM file of the certificate, its intermediates behind it. With it the port takes TLS alone.",
  },
  tlsKey: {
    ...path,
    description: "PEM file of the certificate's private key, without a passphrase.",
  },
  tlsClients: {
    schema: Type.Enum(["off", "optional", "required"]),
    fallback: "off",
    description:
      "Certificates of devices: not asked for; good instead of a device token; or, at the TLS port, needed by everybody.",
  },
  tlsClientCa: {
    ...path,
    description: "PEM file of the authorities whose certificates devices may show.",
  },
  tlsClientCrl: {
    ...path,
    description: "PEM file of the revocation lists of these authorities, one for each.",
  },
  plainPort: {
    schema: Type.Integer({ minimum: 0, maximum: 65535 }),
    defaultText: "none: it is off",
    description:
      "Further port, without TLS, for devices that cannot; 0 takes a free one. Page and API only on loopback.",
  },
  plainHost: {
    schema: Type.String({ pattern: "^[A-Za-z0-9.:_-]+$" }),
    fallback: "127.0.0.1",
    allowed: "a host name or an IP address; 0.0.0.0 or :: for all interfaces",
    description: "Address of that port.",
  },
  trustedProxies: {
    schema: Type.Refine(Type.String(), isNetworkList),
    allowed: "addresses and networks separated by commas, such as `127.0.0.1, 10.0.0.0/8, fd00::/8`",
    defaultText: "none: X-Forwarded-* is ignored",
    description: "Proxies whose X-Forwarded-For, -Proto and -Host are believed.",
  },
} as const satisfies SettingDeclarations;

/** What is there of settings that need each other. */
const companions: readonly (readonly [key: string, needs: string, why: string])[] = [
  ["TlsCert", "TlsKey", "a certificate serves only with its key"],
  ["TlsKey", "TlsCert", "a key serves only with its certificate"],
  ["TlsClientCa", "TlsCert", "certificates of devices come by TLS"],
  ["TlsClientCrl", "TlsClientCa", "a revocation list is checked against its authority"],
];

/**
 * An issue for each setting of TLS that lacks what it needs.
 *
 * @param find - by key, `undefined` for what is not set
 */
export function findListeningIssues(find: (key: string) => unknown): readonly SettingsIssue[] {
  const issue = (name: string, message: string): SettingsIssue => {
    return { code: "CONFIG_MISSING", key: `Server:${name}`, message: `Server:${name} is required: ${message}` };
  };
  const isSet = (name: string) => find(`Server:${name}`) !== undefined;
  const clients = find("Server:TlsClients") ?? "off";
  const missing = companions.flatMap(([key, needs, why]) => (isSet(key) && !isSet(needs) ? [issue(needs, why)] : []));
  if (clients !== "off" && !isSet("TlsClientCa")) {
    missing.push(issue("TlsClientCa", `Server:TlsClients is ${clients}, and somebody has to sign what devices show`));
  }
  if (clients === "off" && isSet("TlsClientCa")) {
    missing.push(issue("TlsClients", "say with optional or required what the authority of devices is for"));
  }
  return missing;
}

function isNetworkList(text: string): boolean {
  return text.length <= maxListLength && text.split(",").every((network) => isNetwork(network.trim()));
}

/** An address, or one with the length of its network's prefix. */
function isNetwork(text: string): boolean {
  const [, address = "", length] = /^([0-9A-Fa-f.:]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const isV6 = address.includes(":");
  const isAddress = URL.canParse(isV6 ? `http://[${address}]/` : `http://${address}/`);
  const isWhole = isV6 || /^(?:\d{1,3}\.){3}\d{1,3}$/.test(address);
  const bits = length === undefined ? 1 : Number(length);
  return isAddress && isWhole && bits >= 1 && bits <= (isV6 ? 128 : 32);
}
