import fs from "node:fs";
import { crc32 } from "node:zlib";
import { frameRules, SeqTracker } from "@eet/protocol";
import type { SegmentOpening } from "../kernel/segment-record.ts";
import type { SegmentTrust } from "../storage/segment-trust.ts";
import { BinReader } from "./bin-reader-store.ts";

/**
 * Length of a left `.bin.part` that is believed. [S-3.1]
 *
 * After a crash of the process the system has kept every write: framing tells where the last whole frame ends. After a
 * power cut framing proves nothing, since lost blocks read as zeros inside well-framed data: only what was synced
 * counts, and behind it what the frame log's CRCs prove.
 *
 * @param trust - what the frame log says; `undefined` when the system has not been down since
 */
export function measureTrustedBytes(opening: SegmentOpening, binPath: string, trust: SegmentTrust | undefined): number {
  const limit = trust === undefined ? undefined : provenBytes(binPath, trust);
  return framedBytes(opening, binPath, limit);
}

function provenBytes(binPath: string, trust: SegmentTrust): number {
  const fd = fs.openSync(binPath, "r");
  try {
    let provenEnd = trust.syncedBytes;
    for (const { offset, byteCount, crc } of trust.extents) {
      if (offset > provenEnd) break;
      const bytes = Buffer.allocUnsafe(byteCount);
      const readBytes = fs.readSync(fd, bytes, 0, byteCount, offset);
      if (readBytes < byteCount || crc32(bytes) !== crc) break;
      provenEnd = Math.max(provenEnd, offset + byteCount);
    }
    return provenEnd;
  } finally {
    fs.closeSync(fd);
  }
}

/** Ends before the first frame that is torn or whose seq the recorder would not have written to this segment. */
function framedBytes(opening: SegmentOpening, binPath: string, limit: number | undefined): number {
  const { format, profile } = opening.session;
  const reader = BinReader.open(binPath, frameRules(format, profile.adpcmLayout), limit);
  const tracker = new SeqTracker(opening.start.seq);
  try {
    let end = 0;
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
      if (tracker.track(frame.seq) === "back") break;
      end = reader.offset;
    }
    return end;
  } finally {
    reader.close();
  }
}
