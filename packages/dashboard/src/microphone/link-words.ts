import type { LinkState } from "@eet/client";
import { formatLength } from "../format/format-time.ts";
import type { LinkReport } from "./recorded-sessions.ts";

/** How the connection fares, in words. */
export interface LinkWords {
  readonly tone: "good" | "waiting" | "bad" | "quiet";
  readonly text: string;
}

/**
 * Says where a recording stands.
 *
 * @param heldS - what is held in the page
 * @param maxHeldS - what may be
 */
export function describeLink(
  report: LinkReport | undefined,
  heldS: number,
  maxHeldS: number,
  nowMs: number,
): LinkWords {
  if (report === undefined) return { tone: "quiet", text: "Nothing was recorded yet" };
  const { state, isEarlierPart } = report;
  switch (state.kind) {
    case "closed":
      if (state.result.kind !== "complete") return { tone: "bad", text: "The recording has ended" };
      if (heldS > 0) return { tone: "waiting", text: "Delivering what is left" };
      return state.result.unacknowledgedFrameCount > 0
        ? { tone: "bad", text: "What was not lost here is on the server's disk" }
        : { tone: "good", text: "All of it is on the server's disk" };
    case "finishing":
      return { tone: "waiting", text: `Delivering what is left. ${describeOpen(state.link, nowMs)}` };
    case "open":
      return { tone: "good", text: "Connected: the server tells what is safe on its disk" };
    default: {
      const held =
        heldS < 1 ? "" : ` Nothing is lost: ${formatLength(heldS)} of at most ${formatLength(maxHeldS)} wait here.`;
      const part = isEarlierPart ? "An earlier part is still to be delivered. " : "";
      return { tone: "waiting", text: `${part}${describeOpen(state, nowMs)}.${held}` };
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
