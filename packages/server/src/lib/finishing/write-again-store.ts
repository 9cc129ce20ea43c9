import fs from "node:fs";
import { readFully } from "./bin-reader-store.ts";

/** What is held of a file that is written again. */
const blockBytes = 256 * 1024;

/**
 * Writes a part of a file over itself. After a sync that failed the system takes what it dropped for stored: another sync
 * alone would store nothing. [S-2.4]
 */
export function writeAgain(fd: number, fromByte: number, toByte: number): void {
  const block = Buffer.allocUnsafe(Math.max(0, Math.min(blockBytes, toByte - fromByte)));
  for (let at = fromByte; at < toByte; ) {
    const byteCount = readFully(fd, block.subarray(0, Math.min(block.byteLength, toByte - at)), at);
    if (byteCount === 0) return;
    for (let written = 0; written < byteCount; ) {
      written += fs.writeSync(fd, block, written, byteCount - written, at + written);
    }
    at += byteCount;
  }
}
