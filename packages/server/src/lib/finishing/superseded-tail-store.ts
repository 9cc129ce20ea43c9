import { frameRules, serialDistance } from "@eet/protocol";
import type { SegmentOpening } from "../kernel/segment-record.ts";
import { BinReader } from "./bin-reader-store.ts";
import { placeFrames } from "./frame-scan.ts";

/**
 * Bytes of an acknowledged segment that no later file of its session holds as well. When a file fails, what is not on
 * stable storage goes into another one; a crash then leaves such frames in both, and a session holds no frame twice. The
 * later file has more of them, and only that one is ever acknowledged. [S-2.4] [P-2.3]
 *
 * @param binPath - frames of the segment, up to `endOffset`
 * @param laterBinPaths - frames of the session's segments that were opened after it
 */
export function measureOwnBytes(
  opening: SegmentOpening,
  binPath: string,
  laterBinPaths: readonly string[],
  endOffset: number,
): number {
  const firstSeqs = laterBinPaths.flatMap((path) => readFirstSeq(opening, path) ?? []);
  // One that begins before this segment replaced another file.
  const endSeq = Math.min(...firstSeqs.filter((seq) => seq >= opening.start.seq));
  return endSeq === Number.POSITIVE_INFINITY ? endOffset : findSeq(opening, binPath, endSeq, endOffset);
}

function openReader({ session }: SegmentOpening, binPath: string, endOffset?: number): BinReader {
  return BinReader.open(binPath, frameRules(session.format, session.profile.adpcmLayout), endOffset);
}

/** Unwrapped seq of a file's first frame, if there is one. */
function readFirstSeq(opening: SegmentOpening, binPath: string): number | undefined {
  const reader = openReader(opening, binPath);
  try {
    const first = reader.next();
    return first && opening.start.seq + serialDistance(opening.start.seq, first.seq);
  } finally {
    reader.close();
  }
}

/** Offset of the first frame from `endSeq` on; `endOffset` when all come before it. */
function findSeq(opening: SegmentOpening, binPath: string, endSeq: number, endOffset: number): number {
  const reader = openReader(opening, binPath, endOffset);
  try {
    for (const { frame, seq } of placeFrames(opening, reader)) if (seq >= endSeq) return frame.offset;
    return endOffset;
  } finally {
    reader.close();
  }
}
