import { limits, sanitizeHwid } from "@eet/protocol";

const schemes: ReadonlySet<string> = new Set(["ws:", "wss:", "http:", "https:"]);

/**
 * Builds the address that a device connects to: `hwid` becomes the last part of the path, and the query (a token) stays.
 * [P-1.8]
 *
 * @param url - the server's endpoint, as `ws://host:5096/ws`; `http` and `https` stand for `ws` and `wss`
 * @param hwid - 1 to 64 of letters, digits, `-`, `_`, `:` and `.`; without it the server sees a device without a name
 * @throws RangeError for an address that is none or an id that the server refuses
 */
export function formatStreamUrl(url: string, hwid?: string): string {
  const address = URL.parse(url);
  if (address === null || !schemes.has(address.protocol) || address.hostname === "") {
    throw new RangeError(`"${url}" is no WebSocket address; give one like ws://host:5096/ws or wss://host/ws`);
  }
  address.protocol = address.protocol.replace("http", "ws");
  address.hash = "";
  if (hwid === undefined) return address.href;
  if (sanitizeHwid(hwid) === undefined) {
    throw new RangeError(
      `"${hwid}" is no device id; use 1 to ${limits.maxHwidLength} letters, digits, "-", "_", ":" and "." ("echo" is reserved)`,
    );
  }
  // The server takes a `.` as `_`; as a part of a path by itself it would be left out.
  address.pathname = `${address.pathname.replace(/\/+$/, "")}/${hwid === "." ? "_" : hwid}`;
  return address.href;
}
