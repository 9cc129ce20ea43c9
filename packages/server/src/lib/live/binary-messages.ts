import { centiDb } from "./decibels.ts";
import type { LevelBlock } from "./level-blocks.ts";
import { levelFlags, liveMessageKinds } from "./live-messages.ts";

const headerBytes = 24;
const fleetHeaderBytes = 4;
const fleetEntryBytes = 8;
const channelLevelBytes = 6;

/** A device's level in a message of the fleet's. */
export interface FleetLevel {
  /** In the request's list. */
  readonly index: number;
  readonly block: LevelBlock;
}

/** Writes `fleetLevels`, see {@link liveMessageKinds}: of the channels the highest peak and the mean power. */
export function formatFleetLevels(id: number, levels: readonly FleetLevel[]): Uint8Array {
  const view = begin(liveMessageKinds.fleetLevels, id, fleetHeaderBytes + levels.length * fleetEntryBytes);
  let at = fleetHeaderBytes;
  for (const { index, block } of levels) {
    view.setUint16(at, index, true);
    view.setInt16(at + 2, centiDb(Math.max(...block.peaks)), true);
    view.setInt16(at + 4, centiDb(Math.sqrt(meanOf(block.powers))), true);
    view.setUint8(at + 6, flagsOf(block));
    at += fleetEntryBytes;
  }
  return bytesOf(view);
}

/**
 * Writes `deviceLevels`, see {@link liveMessageKinds}.
 *
 * @param holds - highest peak of the last time per channel
 */
export function formatDeviceLevels(id: number, block: LevelBlock, holds: readonly number[]): Uint8Array {
  const { peaks, powers, endSample, clippedCount } = block;
  const view = begin(liveMessageKinds.deviceLevels, id, headerBytes + peaks.length * channelLevelBytes);
  view.setFloat64(8, endSample, true);
  view.setUint32(16, clippedCount, true);
  view.setUint8(20, flagsOf(block));
  view.setUint8(21, peaks.length);
  peaks.forEach((peak, channel) => {
    const at = headerBytes + channel * channelLevelBytes;
    view.setInt16(at, centiDb(peak), true);
    view.setInt16(at + 2, centiDb(Math.sqrt(powers[channel] ?? 0)), true);
    view.setInt16(at + 4, centiDb(holds[channel] ?? peak), true);
  });
  return bytesOf(view);
}

/** Columns of a spectrum that follow each other. */
export interface ColumnRun {
  /** First sample of the first one. */
  readonly start: number;
  /** Samples per channel of each. */
  readonly columnSamples: number;
  /** One value per bin each, all of the same number of bins; not empty. */
  readonly columns: readonly Uint8Array[];
}

/** Writes `spectrum`, see {@link liveMessageKinds}. */
export function formatSpectrum(id: number, { start, columnSamples, columns }: ColumnRun): Uint8Array {
  const binCount = columns[0]?.length ?? 0;
  const view = begin(liveMessageKinds.spectrum, id, headerBytes + columns.length * binCount);
  view.setUint16(4, binCount, true);
  view.setUint16(6, columns.length, true);
  view.setFloat64(8, start, true);
  view.setUint32(16, columnSamples, true);
  const bytes = bytesOf(view);
  columns.forEach((levels, index) => {
    bytes.set(levels, headerBytes + index * binCount);
  });
  return bytes;
}

/** A piece of audio. */
export interface AudioPiece {
  readonly sampleRateHz: number;
  readonly channels: number;
  /** First sample. */
  readonly start: number;
  /** Frames were missing in front of it. */
  readonly isAfterGap: boolean;
  /** Something was left out in front of it. */
  readonly isAfterSkip: boolean;
  /** Interleaved, one after the other. */
  readonly pieces: readonly Int16Array[];
}

/** Writes `audio`, see {@link liveMessageKinds}. */
export function formatAudio(id: number, piece: AudioPiece): Uint8Array {
  const { sampleRateHz, channels, start, pieces, isAfterGap, isAfterSkip } = piece;
  const valueCount = pieces.reduce((sum, { length }) => sum + length, 0);
  const view = begin(liveMessageKinds.audio, id, headerBytes + valueCount * 2);
  view.setUint8(4, channels);
  view.setUint8(5, (isAfterGap ? levelFlags.gap : 0) | (isAfterSkip ? levelFlags.skipped : 0));
  view.setFloat64(8, start, true);
  view.setUint32(16, sampleRateHz, true);
  view.setUint32(20, valueCount / channels, true);
  // The machine is little-endian, as the message is.
  const values = new Int16Array(view.buffer, headerBytes);
  let at = 0;
  for (const samples of pieces) {
    values.set(samples, at);
    at += samples.length;
  }
  return bytesOf(view);
}

function begin(kind: number, id: number, byteCount: number): DataView<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(byteCount));
  view.setUint8(0, kind);
  view.setUint16(2, id, true);
  return view;
}

function bytesOf(view: DataView<ArrayBuffer>): Uint8Array {
  return new Uint8Array(view.buffer);
}

/** See {@link levelFlags}. */
export function flagsOf({ clippedCount, isAfterGap, isAfterSkip }: LevelBlock): number {
  return (
    (clippedCount > 0 ? levelFlags.clipped : 0) |
    (isAfterGap ? levelFlags.gap : 0) |
    (isAfterSkip ? levelFlags.skipped : 0)
  );
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
