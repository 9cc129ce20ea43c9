import { type CloseResult, describeCloseResult } from "./close-result.ts";

/** How a session's frames travel: `acked` ones are kept until the server has them on stable storage. */
export type DeliveryMode = "acked" | "plain";

/** Where the connection stands. */
export type LinkState =
  /** Nothing was written yet, and no start time is known: there is nothing to connect for. */
  | { readonly kind: "idle" }
  /** @property attempt - attempts that failed since the last progress; 0 at first */
  | { readonly kind: "connecting"; readonly attempt: number }
  /** Frames travel. */
  | { readonly kind: "open"; readonly delivery: DeliveryMode }
  /** The next attempt is made at `untilMs` (wall clock); `reason` tells how the last connection ended. */
  | { readonly kind: "waiting"; readonly untilMs: number; readonly reason: CloseResult };

/** Where a session stands. */
export type SessionState =
  | LinkState
  /** `finish()` was called: what is held is still to be delivered. */
  | { readonly kind: "finishing"; readonly link: LinkState }
  /** Nothing happens any more. */
  | { readonly kind: "closed"; readonly result: SessionResult };

/**
 * How a session ended.
 *
 * - `complete`: everything that was to be delivered is on the server's stable storage (`plain`: was read by the server).
 * - `aborted`: by `abort()` or the signal.
 * - `refused`: the server will not take it, however often it is tried; `last` says why. [P-2.8]
 * - `superseded`: a newer connection took the session over. [P-2.8]
 * - `gave-up`: there was no connection for `giveUpMs`.
 * - `unacknowledging`: the server has no acknowledgements and `fallback` is `fail`. [P-2.1]
 * - `undelivered`: what was written during the session is delivered, but not all of what was in the spool; that stays there.
 * - `unconfirmed`: plain only; the connection broke when all was sent, so the last frames may be missing.
 */
export type SessionEnding =
  | "complete"
  | "aborted"
  | "refused"
  | "superseded"
  | "gave-up"
  | "unacknowledging"
  | "undelivered"
  | "unconfirmed";

/** What `finish()` and `closed` resolve with. */
export interface SessionResult {
  readonly kind: SessionEnding;
  /** `undefined` when no connection got so far. */
  readonly delivery: DeliveryMode | undefined;
  /**
   * Frames that were written and that the server has not acknowledged, those that were dropped among them. In plain
   * delivery nothing is ever acknowledged.
   */
  readonly unacknowledgedFrameCount: number;
  /** How the last connection ended; `undefined` when there was none, or it was still there. */
  readonly last: CloseResult | undefined;
}

/** A session ended while frames were to be written. */
export class SessionError extends Error {
  override readonly name = "SessionError";
  readonly result: SessionResult;

  constructor(result: SessionResult) {
    super(
      describeSessionResult(result),
      result.last && "cause" in result.last ? { cause: result.last.cause } : undefined,
    );
    this.result = result;
  }
}

/** One line that says how the session ended and, when it failed, what to do. */
export function describeSessionResult({ kind, delivery, last, unacknowledgedFrameCount }: SessionResult): string {
  const lastText = last === undefined ? "" : `: ${describeCloseResult(last)}`;
  switch (kind) {
    case "complete": {
      if (delivery === "plain") return "everything was delivered, without acknowledgements";
      const dropped = unacknowledgedFrameCount === 0 ? "" : ` but for ${unacknowledgedFrameCount} dropped frames`;
      return `everything is on the server's stable storage${dropped}`;
    }
    case "aborted":
      return "the session was aborted: what the server had received is kept";
    case "refused":
    case "superseded":
      return last === undefined ? "the server refused the session" : describeCloseResult(last);
    case "gave-up":
      return `no connection came about in the time given${lastText || ": nothing has answered yet; check the URL, or give more time"}`;
    case "unacknowledging":
      return 'the server does not acknowledge frames (eet.v1+ack): update it, or allow the fallback "plain"';
    case "undelivered":
      return `frames of earlier stay in the spool${lastText}`;
    case "unconfirmed":
      return `everything was sent, the last frames may not have arrived${lastText}`;
  }
}
