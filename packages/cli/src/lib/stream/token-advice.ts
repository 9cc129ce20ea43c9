import type { CloseResult } from "@eet/client";

const closeCodes: ReadonlySet<number> = new Set([4401, 4403]);
const statuses: ReadonlySet<number> = new Set([401, 403]);

/** Said once, however many streams are refused. */
export const tokenAdvice =
  "the server takes devices by their tokens: `eet token create --hwid ID` makes one there; give it in EET_TOKEN, or by --token";

/** Whether a connection ended because of the token that it came with, or came without. [P-2.8] */
export function isTokenRefusal(result: CloseResult | undefined): boolean {
  if (result?.kind === "refused") return statuses.has(result.status);
  return result?.kind === "closed-by-server" && closeCodes.has(result.code);
}
