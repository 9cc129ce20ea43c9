/** What a device does after its connection ended. [P-2.8] */
export type ReconnectRule =
  /** A new try would end in the same way. */
  | { readonly action: "stop" }
  /** Try again, after this time at least, with jitter on top. */
  | { readonly action: "reconnect"; readonly minDelayMs: number };

const stop: ReconnectRule = { action: "stop" };
const retry = (minDelayMs: number): ReconnectRule => ({ action: "reconnect", minDelayMs });

const ruleByCloseCode: Readonly<Record<number, ReconnectRule>> = {
  1000: stop,
  1001: retry(0),
  1002: stop,
  1003: stop,
  1007: stop,
  1008: stop,
  1009: stop,
  1011: retry(0),
  4400: stop,
  4401: stop,
  4403: stop,
  4408: retry(0),
  4409: stop,
  4413: stop,
  4415: stop,
  4422: stop,
  4429: retry(30_000),
  4503: retry(10_000),
  4507: retry(10_000),
};

/** After a CLOSE frame with this code; 1006, a connection that broke, among them. Unknown codes are retried. */
export function reconnectRuleOfClose(closeCode: number): ReconnectRule {
  return ruleByCloseCode[closeCode] ?? retry(0);
}

/** After an upgrade that was answered with this HTTP status: 5xx, 408 and 429 pass, what else is refused stays so. */
export function reconnectRuleOfStatus(httpStatus: number): ReconnectRule {
  if (httpStatus === 429) return retry(30_000);
  if (httpStatus === 503) return retry(10_000);
  return httpStatus >= 500 || httpStatus === 408 ? retry(0) : stop;
}
