import type { IncomingMessage } from "node:http";
import type { CloseResult } from "./close-result.ts";

/** Nothing of an HTTP refusal past this is read. */
const maxRefusalBytes = 8 * 1024;

/** Reads what a server says with an HTTP error: JSON with `detail`, `title` and `fix` (RFC 9457), or nothing usable. */
export async function readRefusal(response: IncomingMessage): Promise<CloseResult> {
  const status = response.statusCode ?? 0;
  let body = "";
  try {
    for await (const chunk of response.setEncoding("utf8")) {
      body += chunk;
      if (body.length > maxRefusalBytes) break;
    }
  } catch {
    // The status says enough when the body is cut short.
  }
  const { title, detail = title, fix } = parseStrings(body);
  return { kind: "refused", status, message: detail, fix };
}

/** The members of a JSON object that are strings; none when `json` is something else. */
function parseStrings(json: string): Partial<Record<string, string>> {
  try {
    const entries: [string, unknown][] = Object.entries(JSON.parse(json) ?? {});
    return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
  } catch {
    return {};
  }
}
