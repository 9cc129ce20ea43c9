import type { SegmentOpening } from "../kernel/segment-record.ts";

/**
 * Reads the text of an `.open.json`.
 *
 * @returns `undefined` when it is torn or of another version
 */
export function parseOpening(text: string): SegmentOpening | undefined {
  try {
    // Written by this program only, into a folder that only it writes to: the version says that the shape is known.
    const value: SegmentOpening | null = JSON.parse(text);
    return value?.version === "eet.open/1" ? value : undefined;
  } catch {
    return undefined;
  }
}
