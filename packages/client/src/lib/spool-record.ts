import { crc32 } from "node:zlib";
import type { SpooledFrame } from "./spool.ts";
import type { Tally } from "./spool-tally.ts";

/** Bytes in front of a payload: u32 CRC-32 of the rest, u32 length of the rest behind this field, u64 seq, u32 samples. */
export const recordHeaderBytes = 20;
/** Largest payload of a record. */
export const maxPayloadBytes = 1024 * 1024;
/** Bytes of the mark at the end of a finished file. */
export const endMarkBytes = 40;

/** What {@link recordHeaderBytes} has behind the length field. */
const lengthOverhead = 12;
/** Stands where a record has its length, and is none. */
const endMarkLength = 0xffff_ffff;

/** Bytes of the record of a payload. */
export function countRecordBytes(payloadBytes: number): number {
  return recordHeaderBytes + payloadBytes;
}

/**
 * Checks what is to become a record.
 *
 * @param nextSeq - least seq that follows
 * @throws RangeError naming what is out of range
 */
export function checkFrame(nextSeq: number, { seq, sampleCount, payload }: SpooledFrame): void {
  if (!(seq >= nextSeq && seq < Number.MAX_SAFE_INTEGER && Number.isInteger(seq))) {
    throw new RangeError(`seq is ${seq}, the journal takes whole numbers from ${nextSeq} to 2^53 - 2`);
  }
  if (sampleCount >>> 0 !== sampleCount) {
    throw new RangeError(`sampleCount is ${sampleCount}, allowed are whole numbers from 0 to 2^32 - 1`);
  }
  if (payload.byteLength > maxPayloadBytes) {
    throw new RangeError(`the payload has ${payload.byteLength} bytes, allowed are ${maxPayloadBytes}`);
  }
}

/** Writes a record to `target` at `at`, where it must fit. */
export function formatRecord(target: Buffer, at: number, seq: number, sampleCount: number, payload: Uint8Array): void {
  target.writeUInt32LE(lengthOverhead + payload.byteLength, at + 4);
  writeSeq(target, seq, at + 8);
  target.writeUInt32LE(sampleCount, at + 16);
  target.set(payload, at + recordHeaderBytes);
  target.writeUInt32LE(crc32(target.subarray(at + 4, at + recordHeaderBytes + payload.byteLength)), at);
}

/**
 * Bytes of the record at `at`, of which at least the first 8 are there.
 *
 * @returns 0 when no record of that length is ever written: the file is torn, or filled with zeros, from here on
 */
export function measureRecord(bytes: Buffer, at: number): number {
  const length = bytes.readUInt32LE(at + 4);
  return length >= lengthOverhead && length <= lengthOverhead + maxPayloadBytes ? 8 + length : 0;
}

/**
 * Reads the record at `at`, all of which is there; the inverse of {@link formatRecord}.
 *
 * @returns `undefined` when its CRC is wrong. The payload is a view into `bytes`.
 */
export function parseRecord(bytes: Buffer, at: number, byteCount: number): SpooledFrame | undefined {
  const end = at + byteCount;
  if (crc32(bytes.subarray(at + 4, end)) !== bytes.readUInt32LE(at)) return undefined;
  const seq = readSeq(bytes, at + 8);
  if (!Number.isSafeInteger(seq)) return undefined;
  return { seq, sampleCount: bytes.readUInt32LE(at + 16), payload: bytes.subarray(at + recordHeaderBytes, end) };
}

/**
 * The mark behind the records of a file that was finished and synced: its sums, so that nobody needs to read it to know
 * them. u32 CRC-32 of the rest, u32 2^32 - 1, u64 first seq, u64 next seq, u64 samples, u32 frames, u32 bytes of records.
 */
export function formatEndMark(tally: Tally, recordsBytes: number): Buffer {
  const mark = Buffer.alloc(endMarkBytes);
  mark.writeUInt32LE(endMarkLength, 4);
  writeSeq(mark, tally.firstSeq, 8);
  writeSeq(mark, tally.nextSeq, 16);
  writeSeq(mark, tally.sampleCount, 24);
  mark.writeUInt32LE(tally.frameCount, 32);
  mark.writeUInt32LE(recordsBytes, 36);
  mark.writeUInt32LE(crc32(mark.subarray(4)), 0);
  return mark;
}

/** Reads the last bytes of a file; `undefined` when they are no mark of a file with `recordsBytes` of records. */
export function parseEndMark(mark: Buffer, recordsBytes: number): Tally | undefined {
  if (mark.byteLength !== endMarkBytes || crc32(mark.subarray(4)) !== mark.readUInt32LE(0)) return undefined;
  if (mark.readUInt32LE(4) !== endMarkLength || mark.readUInt32LE(36) !== recordsBytes) return undefined;
  const tally: Tally = {
    firstSeq: readSeq(mark, 8),
    nextSeq: readSeq(mark, 16),
    frameCount: mark.readUInt32LE(32),
    sampleCount: readSeq(mark, 24),
  };
  const isSound = Number.isSafeInteger(tally.nextSeq) && tally.nextSeq - tally.firstSeq >= tally.frameCount;
  return isSound && tally.frameCount > 0 ? tally : undefined;
}

/** Two halves: BigInt would cost an allocation for every frame. */
function writeSeq(target: Buffer, seq: number, at: number): void {
  target.writeUInt32LE(seq % 2 ** 32, at);
  target.writeUInt32LE(Math.floor(seq / 2 ** 32), at + 4);
}

function readSeq(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at + 4) * 2 ** 32 + bytes.readUInt32LE(at);
}
