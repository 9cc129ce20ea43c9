/** WebSocket subprotocols. [P-2.1] */
export const subprotocols = {
  /** Same as none; for browsers that must get a name back. */
  v1: "eet.v1",
  /** Durable delivery: frames are acknowledged once they are on stable storage. [P-2] */
  v1Ack: "eet.v1+ack",
} as const;

/** What this version of the server selects, best first. Any other name is never echoed. */
export const supportedSubprotocols: readonly string[] = [subprotocols.v1Ack, subprotocols.v1];

/**
 * Chooses the subprotocol of a connection.
 *
 * @param offered - names in the order the client gave them
 * @returns the best supported one, or `undefined` when none is
 */
export function selectSubprotocol(offered: Iterable<string>): string | undefined {
  const names = new Set(offered);
  return supportedSubprotocols.find((name) => names.has(name));
}
