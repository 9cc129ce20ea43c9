import { limits } from "@eet/protocol";
import type { MonotonicMs } from "../kernel/clock.ts";

/** What a connection's silence calls for. */
export type LivenessVerdict = "alive" | "ping" | "lost";

/**
 * Watches one connection's silence. Any inbound byte is a sign of life, not only a pong: clients that are busy sending
 * answer pings late. [P-3.3]
 */
export class LivenessWatch {
  #bytesRead = 0;
  #lastByteMs: MonotonicMs;
  #lastPingMs: MonotonicMs;

  constructor(nowMs: MonotonicMs) {
    this.#lastByteMs = nowMs;
    this.#lastPingMs = nowMs;
  }

  /**
   * Judges the silence up to now.
   *
   * @param bytesRead - all that the socket has received so far
   */
  check(nowMs: MonotonicMs, bytesRead: number): LivenessVerdict {
    if (bytesRead !== this.#bytesRead) {
      this.#bytesRead = bytesRead;
      this.excuse(nowMs);
      return "alive";
    }
    if (nowMs - this.#lastByteMs >= limits.livenessTimeoutMs) return "lost";
    if (nowMs - this.#lastPingMs < limits.pingAfterMs) return "alive";
    this.#lastPingMs = nowMs;
    return "ping";
  }

  /** Forgives the silence so far: the socket was not read. */
  excuse(nowMs: MonotonicMs): void {
    this.#lastByteMs = nowMs;
    this.#lastPingMs = nowMs;
  }
}
