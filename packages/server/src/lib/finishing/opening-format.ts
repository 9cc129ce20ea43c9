import type { SegmentOpening, SessionRecord } from "../kernel/segment-record.ts";

/** An opening as it may stand on disk: earlier versions knew plain sessions only. */
interface StoredOpening extends Omit<SegmentOpening, "session"> {
  readonly session: Omit<SessionRecord, "isAcked"> & Partial<Pick<SessionRecord, "isAcked">>;
}

/**
 * Reads the text of an `.open.json`.
 *
 * @returns `undefined` when it is torn or of another version
 */
export function parseOpening(text: string): SegmentOpening | undefined {
  try {
    // Written by this program only, into a folder that only it writes to: the version says that the shape is known.
    const value: StoredOpening | null = JSON.parse(text);
    if (value?.version !== "eet.open/1") return undefined;
    return { ...value, session: { ...value.session, isAcked: value.session.isAcked ?? false } };
  } catch {
    return undefined;
  }
}
