import { crc32 } from "node:zlib";

/** Bytes of one record in a frame log. */
export const frameLogRecordBytes = 24;

const kinds = { written: 1, synced: 2 } as const;

/** A run of whole frames that was handed to the system in one write. */
export interface WrittenExtent {
  readonly offset: number;
  readonly byteCount: number;
  /** CRC-32 of the bytes. */
  readonly crc: number;
}

/** One record: frames written, or everything before an offset synced. */
export type FrameLogRecord =
  | ({ readonly kind: "written"; readonly logNumber: number } & WrittenExtent)
  | { readonly kind: "synced"; readonly logNumber: number; readonly offset: number };

/** Writes a record to `target` at `at`: u32 kind, number, offset, byte count, CRC of the frames, CRC of the record. */
export function formatFrameLogRecord(record: FrameLogRecord, target: Buffer, at: number): void {
  target.writeUInt32LE(kinds[record.kind], at);
  target.writeUInt32LE(record.logNumber, at + 4);
  target.writeUInt32LE(record.offset, at + 8);
  target.writeUInt32LE(record.kind === "written" ? record.byteCount : 0, at + 12);
  target.writeUInt32LE(record.kind === "written" ? record.crc : 0, at + 16);
  target.writeUInt32LE(crc32(target.subarray(at, at + 20)), at + 20);
}

/** Reads the records of a log; the inverse of {@link formatFrameLogRecord}. Damaged or torn ones are passed over. */
export function* parseFrameLog(bytes: Buffer): Generator<FrameLogRecord> {
  for (let at = 0; at + frameLogRecordBytes <= bytes.byteLength; at += frameLogRecordBytes) {
    if (crc32(bytes.subarray(at, at + 20)) !== bytes.readUInt32LE(at + 20)) continue;
    const kind = bytes.readUInt32LE(at);
    const logNumber = bytes.readUInt32LE(at + 4);
    const offset = bytes.readUInt32LE(at + 8);
    if (kind === kinds.synced) yield { kind: "synced", logNumber, offset };
    else if (kind === kinds.written) {
      yield {
        kind: "written",
        logNumber,
        offset,
        byteCount: bytes.readUInt32LE(at + 12),
        crc: bytes.readUInt32LE(at + 16),
      };
    }
  }
}
