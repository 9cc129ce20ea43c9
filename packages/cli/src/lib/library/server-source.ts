import { AwayError, CommandError } from "../command-error.ts";
import type { ApiRequest, ApiSource } from "./api-source.ts";

/** Longest wait for the first word of a server that was not named. */
const probeTimeoutMs = 1_000;

/**
 * A server by its URL.
 *
 * @param interruption - ends what is asked
 * @param token - for one that asks who is there
 */
export function createServerSource(url: string, interruption: AbortSignal, token?: string): ApiSource {
  const base = url.replace(/\/+$/, "");
  return {
    name: base,
    kind: "server",
    request: async (path, { method = "GET", body, signal = interruption }: ApiRequest = {}) => {
      const headers = { ...(body !== undefined && jsonHeaders), ...(token && { authorization: `Bearer ${token}` }) };
      const content = { headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
      try {
        return await fetch(`${base}${path}`, { method, signal, ...content });
      } catch (error) {
        if (signal.aborted) throw error;
        throw describeFailure(base, error);
      }
    },
    close: async () => {},
  };
}

const jsonHeaders = { "content-type": "application/json" } as const;

/** Whether an EET server answers at a URL, soon. */
export async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(probeTimeoutMs) });
    const health: unknown = await response.json();
    // All that it tells those who show no token.
    if (typeof health !== "object" || health === null || !("status" in health)) return false;
    return health.status === "ok" || health.status === "degraded";
  } catch {
    return false;
  }
}

/** Tells what lies below `fetch failed`. */
function describeFailure(base: string, error: unknown): CommandError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (cause instanceof Error && "code" in cause && typeof cause.code === "string") {
    const text = `${base} does not answer (${cause.code}); check --url, or name a folder with --data`;
    return new AwayError(text, { cause: error });
  }
  // Nothing was sent: only the address can be at fault.
  const reason = cause instanceof Error ? cause.message : String(cause);
  const text = `${base} is never asked (${reason}): HTTP clients refuse the ports of other protocols, such as 1, 22 or 6000`;
  return new CommandError(`${text}; check --url, a server listens on 5096 unless it is told otherwise`, {
    cause: error,
  });
}
