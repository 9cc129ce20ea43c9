import { crc32 } from "node:zlib";
import { type Overview, overviewBinCount } from "@eet/audio";

/** `EETO`, then the version. */
const magic = 0x4f544545;
const version = 1;
const headerBytes = 40;

/**
 * Bytes of an overview file, all little-endian: u32 magic `EETO`, u16 version, u16 channels, u32 samples a pair of peaks
 * stands for, u32 samples a column stands for, u16 bins a column has, u16 0, f64 samples per channel, u32 pairs of peaks
 * per channel, u32 columns, u32 CRC-32 of all other bytes; then the peaks as s16, then the columns.
 */
export function formatOverview(overview: Overview): Buffer {
  const { channels, peakSamples, columnSamples, sampleCount, peaks, columns } = overview;
  const bytes = Buffer.alloc(headerBytes + peaks.byteLength + columns.byteLength);
  bytes.writeUInt32LE(magic, 0);
  bytes.writeUInt16LE(version, 4);
  bytes.writeUInt16LE(channels, 6);
  bytes.writeUInt32LE(peakSamples, 8);
  bytes.writeUInt32LE(columnSamples, 12);
  bytes.writeUInt16LE(overviewBinCount, 16);
  bytes.writeDoubleLE(sampleCount, 20);
  bytes.writeUInt32LE(peaks.length / (2 * channels), 28);
  bytes.writeUInt32LE(columns.length / overviewBinCount, 32);
  bytes.set(new Uint8Array(peaks.buffer, peaks.byteOffset, peaks.byteLength), headerBytes);
  bytes.set(columns, headerBytes + peaks.byteLength);
  bytes.writeUInt32LE(checksum(bytes), 36);
  return bytes;
}

/** @returns `undefined` when the bytes are damaged, torn or of another version */
export function parseOverview(bytes: Buffer): Overview | undefined {
  if (bytes.byteLength < headerBytes || bytes.readUInt32LE(0) !== magic || bytes.readUInt16LE(4) !== version)
    return undefined;
  const channels = bytes.readUInt16LE(6);
  const peaksBytes = bytes.readUInt32LE(28) * channels * 4;
  const columnsBytes = bytes.readUInt32LE(32) * overviewBinCount;
  const isWhole = bytes.byteLength === headerBytes + peaksBytes + columnsBytes;
  if (!isWhole || bytes.readUInt16LE(16) !== overviewBinCount || bytes.readUInt32LE(36) !== checksum(bytes))
    return undefined;
  // A copy: the bytes may stand at an odd address.
  const peaks = bytes.buffer.slice(
    bytes.byteOffset + headerBytes,
    bytes.byteOffset + headerBytes + peaksBytes,
  ) as ArrayBuffer;
  return {
    channels,
    peakSamples: bytes.readUInt32LE(8),
    columnSamples: bytes.readUInt32LE(12),
    sampleCount: bytes.readDoubleLE(20),
    peaks: new Int16Array(peaks),
    columns: bytes.subarray(headerBytes + peaksBytes),
  };
}

function checksum(bytes: Buffer): number {
  return crc32(bytes.subarray(headerBytes), crc32(bytes.subarray(0, headerBytes - 4)));
}
