import { subprotocols } from "@eet/protocol";
import type { CloseResult } from "./close-result.ts";
import type { DeliveryMode } from "./session-state.ts";

/**
 * What to do where no acknowledgements can be had: `fail` ends, `plain` sends as version 1 does, `wait` comes back until
 * the server, which is known to acknowledge, does so again.
 */
export type Fallback = "plain" | "fail" | "wait";

/** A server that selects the name and says nothing is slow for once; one that does so again does not know what it selects. */
const maxUnwelcomedCount = 2;

/** Whether a session's frames travel with acknowledgements, as it turns out from connection to connection. [P-2.1] */
export class DeliveryChoice {
  readonly #fallback: Fallback;
  #mode: DeliveryMode | undefined;
  #offered: readonly string[] = [subprotocols.v1Ack, subprotocols.v1];
  /** Connections in a row whose welcome did not come. */
  #unwelcomedCount = 0;

  constructor(fallback: Fallback) {
    this.#fallback = fallback;
  }

  /** `undefined` until the server has shown it. */
  get mode(): DeliveryMode | undefined {
    return this.#mode;
  }

  /** Names to offer at the next connection. */
  get offered(): readonly string[] {
    return this.#offered;
  }

  /** Frames may go on a connection. */
  settle(mode: DeliveryMode): void {
    this.#mode = mode;
    this.#unwelcomedCount = 0;
  }

  /**
   * No acknowledgements on this connection.
   *
   * @param isSelected - the server has selected their name, but no welcome came. It may be one that acknowledges, and takes
   *   what comes on this connection for frames that are acknowledged: as plain ones they would be let go of too early.
   * @returns `go-on` as version 1, try `again`, or `end`
   */
  miss(isSelected: boolean): "go-on" | "again" | "end" {
    if (this.#mode === "acked" || this.#fallback === "wait") return "again";
    if (isSelected) {
      this.#unwelcomedCount += 1;
      if (this.#unwelcomedCount < maxUnwelcomedCount) return "again";
    }
    if (this.#fallback === "fail") return "end";
    this.#offered = [subprotocols.v1];
    if (!isSelected) return "go-on";
    this.#mode = "plain";
    return "again";
  }

  /**
   * A connection is over.
   *
   * @returns `again` as version 1, where that is what the server seems to want; `end` where that may not be; `undefined`
   *   where the ending tells nothing of it
   */
  closed(result: CloseResult): "again" | "end" | undefined {
    if (this.#mode !== undefined || this.#fallback === "wait") return undefined;
    const takesNoName = result.kind === "no-subprotocol";
    if (this.#fallback === "fail") return takesNoName ? "end" : undefined;
    if (!takesNoName && !isRefusalOfMessages(result)) return undefined;
    this.#mode = "plain";
    this.#offered = takesNoName ? [] : [subprotocols.v1];
    return "again";
  }
}

/** Codes by which servers of version 1 tell that a message is none that they know. [P-1.9] */
function isRefusalOfMessages(result: CloseResult): boolean {
  return result.kind === "closed-by-server" && [1002, 1003, 1008].includes(result.code);
}
