import type { EventDelivery } from "../catalog/delivery-queue.ts";
import { type Clock, systemClock } from "../kernel/clock.ts";
import { toError } from "../kernel/errors.ts";
import type { DeliveryOutcome } from "./delivery-worker.ts";
import { signWebhook } from "./webhook-signature.ts";

/** Longest time for an answer. */
const answerTimeoutMs = 15_000;
/** Of a longer body the rest is not read, which costs the connection. */
const maxBodyBytes = 65_536;

export interface WebhookSenderOptions {
  /** Stays the same over restarts and is part of ids: letters, digits, `-` and `_`. */
  readonly name: string;
  readonly url: string;
  readonly key: Buffer;
  readonly version: string;
  readonly clock?: Clock;
  /** Default 15 s. */
  readonly timeoutMs?: number;
}

/** Posts events to one URL, signed by the Standard Webhooks scheme. */
export class WebhookSender {
  readonly #options: WebhookSenderOptions;

  constructor(options: WebhookSenderOptions) {
    this.#options = options;
  }

  /**
   * One attempt: 2xx is delivered, 410 says that the receiver wants no more of it, all else is to be tried again.
   * Redirects are not followed. Never rejects.
   */
  async send({ event }: Pick<EventDelivery, "event">, signal: AbortSignal): Promise<DeliveryOutcome> {
    return await this.#post(event, webhookId(this.#options.name, event), signal);
  }

  /** Sends what is like an event, of the type `ping`, as one attempt. Never rejects. */
  async ping(): Promise<DeliveryOutcome> {
    const nowMs = (this.#options.clock ?? systemClock).wallMs();
    const event = { id: 0, type: "ping", time: new Date(nowMs).toISOString(), hwid: null, data: {} };
    // An id of its own: receivers pass over what they have seen.
    return await this.#post(event, `ping_${Math.floor(nowMs)}_${this.#options.name}`, new AbortController().signal);
  }

  async #post(event: object, id: string, signal: AbortSignal): Promise<DeliveryOutcome> {
    const { url, key, version, clock = systemClock, timeoutMs = answerTimeoutMs } = this.#options;
    const body = JSON.stringify(event);
    const timestampS = Math.floor(clock.wallMs() / 1000);
    try {
      const response = await fetch(url, {
        method: "POST",
        redirect: "manual",
        headers: {
          "content-type": "application/json",
          "user-agent": `eet/${version}`,
          ...signWebhook({ id, timestampS, body }, key),
        },
        body,
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
      await discard(response.body);
      return judge(response, clock.wallMs());
    } catch (thrown) {
      return { kind: "failed", reason: describeFailure(toError(thrown), timeoutMs) };
    }
  }
}

/** Id of an event at a receiver: the same at every attempt and after restarts. */
export function webhookId(name: string, event: EventDelivery["event"]): string {
  return `evt_${event.id}_${name}`;
}

/** Reads the body, so that the connection serves the next request. It says nothing that is needed, and may be endless. */
async function discard(body: Response["body"]): Promise<void> {
  if (body === null) return;
  let byteCount = 0;
  try {
    for await (const chunk of body) {
      byteCount += chunk.byteLength;
      if (byteCount > maxBodyBytes) break;
    }
  } catch {
    // The answer counts, however its body ends.
  }
}

function judge({ ok, status, headers }: Response, nowMs: number): DeliveryOutcome {
  if (ok) return { kind: "delivered" };
  const reason = `the receiver answered ${status}`;
  if (status === 410) return { kind: "failed", reason: `${reason}: it wants no more of these`, isFinal: true };
  if (status >= 300 && status < 400) return { kind: "failed", reason: `${reason}: redirects are not followed` };
  const retryAfterMs = parseRetryAfter(headers.get("retry-after"), nowMs);
  return { kind: "failed", reason, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

/** RFC 9110, 10.2.3: seconds or a date. */
function parseRetryAfter(text: string | null, nowMs: number): number | undefined {
  if (text === null) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const dateMs = Date.parse(text);
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
}

/** `fetch` says little; its cause tells. Neither holds the URL's query. */
function describeFailure(error: Error, timeoutMs: number): string {
  if (error.name === "TimeoutError") return `the receiver gave no answer within ${timeoutMs / 1000} s`;
  if (error.name === "AbortError") return "the server stops";
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  return cause.message === "" && "code" in cause ? String(cause.code) : cause.message;
}
