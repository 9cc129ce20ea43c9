import type { LinkState, SessionState } from "@eet/client";
import { formatLength } from "../format/format-time.ts";

/** How the connection fares, in words. */
export interface LinkWords {
  readonly tone: "good" | "waiting" | "bad" | "quiet";
  readonly text: string;
}

/**
 * Says where a session stands.
 *
 * @param heldS - what is held in the page
 * @param maxHeldS - what may be
 */
export function describeLink(
  state: SessionState | undefined,
  heldS: number,
  maxHeldS: number,
  nowMs: number,
): LinkWords {
  if (state === undefined) return { tone: "quiet", text: "Nothing was recorded yet" };
  switch (state.kind) {
    case "closed":
      return state.result.kind === "complete"
        ? { tone: "good", text: "All of it is on the server's disk" }
        : { tone: "bad", text: "The recording has ended" };
    case "finishing":
      return { tone: "waiting", text: `Delivering what is left. ${describeOpen(state.link, nowMs)}` };
    case "open":
      return { tone: "good", text: "Connected: the server tells what is safe on its disk" };
    default: {
      const held =
        heldS < 1 ? "" : ` Nothing is lost: ${formatLength(heldS)} of at most ${formatLength(maxHeldS)} wait here.`;
      return { tone: "waiting", text: `${describeOpen(state, nowMs)}.${held}` };
    }
  }
}

function describeOpen(state: LinkState, nowMs: number): string {
  switch (state.kind) {
    case "idle":
    case "connecting":
      return "Connecting";
    case "open":
      return "Connected";
    case "waiting": {
      const waitS = Math.ceil((state.untilMs - nowMs) / 1000);
      return `No connection, trying again ${waitS > 0 ? `in ${waitS} s` : "now"}`;
    }
  }
}
