import type { NibbleOrderVerdict } from "@eet/audio";
import type { SessionRecord } from "../kernel/segment-record.ts";
import type { Sidecar } from "../kernel/sidecar.ts";

/** The nibble order that a segment is decoded with, and how it was found. */
export type NibbleDecision = NonNullable<Sidecar["nibble_order"]>;

/**
 * Decides the nibble order of a segment, strongest source first. [P-1.5]
 *
 * @param verdict - what the segment's own frames tell
 * @param earlierOrder - what earlier segments of the session told
 * @returns `null` for PCM
 */
export function decideNibbleOrder(
  session: SessionRecord,
  verdict: NibbleOrderVerdict | undefined,
  earlierOrder: "low" | "high" | undefined,
): NibbleDecision | null {
  if (session.format.codec !== "adpcm") return null;
  const { configuredNibbleOrder, cachedNibbleOrder } = session.profile;
  if (configuredNibbleOrder !== undefined) return { order: configuredNibbleOrder, source: "config" };
  if (verdict !== undefined) return verdict;
  const cached = earlierOrder ?? cachedNibbleOrder;
  return cached === undefined ? { order: "low", source: "default" } : { order: cached, source: "cached" };
}
