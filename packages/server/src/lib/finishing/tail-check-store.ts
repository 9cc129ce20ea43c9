import fs from "node:fs";
import { crc32 } from "node:zlib";
import type { SegmentTrust } from "../storage/segment-trust.ts";
import { readFully } from "./bin-reader-store.ts";

/**
 * Length of a `.bin.part` that is proven after a power cut: what was synced, and behind it what the frame log's CRCs
 * show to be there. Framing proves nothing then, since lost blocks read as zeros inside well-framed data. [S-3.1]
 *
 * @param trust - what the frame log says of the segment
 */
export function measureProvenBytes(binPath: string, trust: SegmentTrust): number {
  const fd = fs.openSync(binPath, "r");
  try {
    const { size } = fs.fstatSync(fd);
    let provenBytes = Math.min(trust.syncedBytes, size);
    for (const { offset, byteCount, crc } of trust.extents) {
      const end = offset + byteCount;
      if (offset > provenBytes || end > size) break;
      const bytes = Buffer.allocUnsafe(byteCount);
      if (readFully(fd, bytes, offset) < byteCount || crc32(bytes) !== crc) break;
      provenBytes = Math.max(provenBytes, end);
    }
    return provenBytes;
  } finally {
    fs.closeSync(fd);
  }
}
