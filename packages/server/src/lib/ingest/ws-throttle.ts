import type { StreamFormat } from "@eet/protocol";
import { IngressBudget } from "./ingress-budget.ts";
import type { IngressLimits } from "./ingress-limits.ts";
import type { WsSocket } from "./ws-socket.ts";

/**
 * Reads a WebSocket no faster than it may be read, and not while there is no room. Looked at once for each read of the
 * socket, which brings several frames.
 */
export class WsThrottle {
  /** Of whole messages; counted by who takes them. */
  messageBytes = 0;
  readonly #ws: WsSocket;
  readonly #budget: IngressBudget;
  readonly #onSlowed: () => void;
  #wireBytes = 0;
  #partialBytes = 0;
  /** {@link messageBytes} at the last read. */
  #seenMessageBytes = 0;
  /** The budget is spent. */
  #isHeldBack = false;
  /** There is no room. */
  #isPaused = false;

  /** @param onSlowed - called each time that the budget is spent, at most once a second */
  constructor(ws: WsSocket, limits: IngressLimits, onSlowed: () => void) {
    this.#ws = ws;
    this.#budget = new IngressBudget(limits);
    this.#onSlowed = onSlowed;
  }

  /** Bytes in memory of a message that is not whole yet, at most. */
  get partialBytes(): number {
    return this.#partialBytes;
  }

  /** Whether the sender had better slow down. */
  get isLow(): boolean {
    return this.#budget.isLow;
  }

  /** The budget of a device depends on its format. */
  setFormat(format: StreamFormat): void {
    this.#budget.setFormat(format);
  }

  /** Stops reading until {@link resume}. Messages of what is already read may still come. */
  pause(): void {
    this.#isPaused = true;
    this.#ws.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (!this.#isHeldBack) this.#ws.resume();
  }

  /** A second has passed. */
  sweep(): void {
    const totals = { wireBytes: this.#wireBytes, messageBytes: this.messageBytes, partialBytes: this.#partialBytes };
    if (!this.#budget.sweep(totals) || !this.#isHeldBack) return;
    this.#isHeldBack = false;
    if (!this.#isPaused) this.#ws.resume();
  }

  /** Called behind each read, when the messages that it made whole are counted. */
  onRead(byteCount: number): void {
    this.#wireBytes += byteCount;
    if (this.messageBytes === this.#seenMessageBytes) this.#partialBytes += byteCount;
    else this.#partialBytes = 0;
    this.#seenMessageBytes = this.messageBytes;
    if (this.#budget.take(byteCount) || this.#isHeldBack) return;
    this.#isHeldBack = true;
    this.#onSlowed();
    this.#ws.pause();
  }
}
