import fs from "node:fs";
import { crc32 } from "node:zlib";
import type { WrittenExtent } from "../storage/frame-log-record.ts";
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
    for (const extent of trust.extents) {
      const end = extent.offset + extent.byteCount;
      if (extent.offset > provenBytes || end > size || !isIntact(fd, extent)) break;
      provenBytes = Math.max(provenBytes, end);
    }
    return provenBytes;
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * Length of a `.bin.part` that is as it was written, where the system has kept running: up to the first bytes of which the
 * frame log knows better. What the log does not know of is taken.
 */
export function measureIntactBytes(binPath: string, trust: SegmentTrust): number {
  const fd = fs.openSync(binPath, "r");
  try {
    const { size } = fs.fstatSync(fd);
    const damaged = trust.extents.find((extent) => extent.offset + extent.byteCount <= size && !isIntact(fd, extent));
    return damaged?.offset ?? size;
  } finally {
    fs.closeSync(fd);
  }
}

function isIntact(fd: number, { offset, byteCount, crc }: WrittenExtent): boolean {
  const bytes = Buffer.allocUnsafe(byteCount);
  return readFully(fd, bytes, offset) === byteCount && crc32(bytes) === crc;
}
