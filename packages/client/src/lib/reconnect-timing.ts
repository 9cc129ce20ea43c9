import { fullJitterMs, type ReconnectRule, reconnectRuleOfClose, reconnectRuleOfStatus } from "@eet/protocol";
import type { CloseResult } from "./close-result.ts";

const baseMs = 500;
const capMs = 30_000;
const atOnce: ReconnectRule = { action: "reconnect", minDelayMs: 0 };

/** What is to be done after a connection ended in this way. [P-2.8] */
export function reconnectRuleOf(result: CloseResult): ReconnectRule {
  switch (result.kind) {
    case "refused":
      return reconnectRuleOfStatus(result.status);
    case "closed-by-server":
      return reconnectRuleOfClose(result.code);
    case "unreachable":
    case "dropped":
    case "no-subprotocol":
      return atOnce;
    case "clean":
    case "aborted":
      return { action: "stop" };
  }
}

/** How long to wait before each attempt to connect: full jitter up to 30 s, on top of what the server asked for. */
export class ReconnectTiming {
  readonly #random: () => number;
  #attempt = 0;

  /** @param random - uniform in [0, 1) */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Attempts since the last success; 0 at first. */
  get attempt(): number {
    return this.#attempt;
  }

  /** Counts a failed attempt. @returns whole ms to wait before the next one, `minDelayMs` at least */
  nextDelayMs(minDelayMs: number): number {
    const jitterMs = fullJitterMs(this.#attempt, { baseMs, capMs, random: this.#random });
    this.#attempt += 1;
    return minDelayMs + jitterMs;
  }

  /** The server has made progress: the next wait is short again. Being connected is no progress by itself. */
  reset(): void {
    this.#attempt = 0;
  }
}
