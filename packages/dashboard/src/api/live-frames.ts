import type { levelFlags as serverFlags, liveMessageKinds as serverKinds } from "@eet/server/api-types";

/** First bytes of binary messages; the compiler holds them equal to the server's. */
export const liveKinds = { fleetLevels: 1, deviceLevels: 2, spectrum: 3, audio: 4 } satisfies typeof serverKinds;
export const flagBits = { clipped: 1, gap: 2, skipped: 4 } satisfies typeof serverFlags;

/** Level of a device within a tenth of a second. */
export interface FleetLevel {
  /** In the list of devices that was asked for. */
  readonly index: number;
  readonly peakDbfs: number;
  readonly rmsDbfs: number;
  /** See {@link flagBits}. */
  readonly flags: number;
}

const headBytes = 4;
const entryBytes = 8;

/** Reads the levels of a fleet. */
export function* parseFleetLevels(message: DataView): Generator<FleetLevel> {
  for (let offset = headBytes; offset + entryBytes <= message.byteLength; offset += entryBytes) {
    yield {
      index: message.getUint16(offset, true),
      peakDbfs: message.getInt16(offset + 2, true) / 100,
      rmsDbfs: message.getInt16(offset + 4, true) / 100,
      flags: message.getUint8(offset + 6),
    };
  }
}

/** Levels of one channel. */
export interface ChannelLevel {
  readonly peakDbfs: number;
  readonly rmsDbfs: number;
  /** Highest peak of the last 2 s. */
  readonly holdDbfs: number;
}

/** Levels of a device within about a tenth of a second. */
export interface DeviceLevels {
  /** Behind the last sample measured. */
  readonly endSample: number;
  readonly clippedCount: number;
  readonly flags: number;
  readonly channels: readonly ChannelLevel[];
}

/**
 * Reads the levels of a device.
 *
 * @throws RangeError when the message is shorter than it says
 */
export function parseDeviceLevels(message: DataView): DeviceLevels {
  const channelCount = message.getUint8(21);
  const channels = Array.from({ length: channelCount }, (_, channel) => {
    const read = (place: number) => message.getInt16(24 + channel * 6 + place, true) / 100;
    return { peakDbfs: read(0), rmsDbfs: read(2), holdDbfs: read(4) };
  });
  return {
    endSample: message.getFloat64(8, true),
    clippedCount: message.getUint32(16, true),
    flags: message.getUint8(20),
    channels,
  };
}

/** Columns of a spectrum. */
export interface SpectrumColumns {
  readonly binCount: number;
  readonly firstSample: number;
  readonly samplesPerColumn: number;
  /** Levels, column by column, lowest frequency first: 255 is a full-scale sine, a step half a dB, 0 nothing. */
  readonly columns: readonly Uint8Array[];
}

/**
 * Reads spectrum columns.
 *
 * @throws RangeError when the message is shorter than it says
 */
export function parseSpectrum(message: DataView<ArrayBuffer>): SpectrumColumns {
  const binCount = message.getUint16(4, true);
  const columnCount = message.getUint16(6, true);
  if (columnCount > 0 && (binCount === 0 || 24 + columnCount * binCount > message.byteLength)) {
    throw new RangeError(`${message.byteLength} bytes do not hold ${columnCount} columns of ${binCount} bins`);
  }
  const columns = Array.from(
    { length: columnCount },
    (_, column) => new Uint8Array(message.buffer, message.byteOffset + 24 + column * binCount, binCount),
  );
  return {
    binCount,
    firstSample: message.getFloat64(8, true),
    samplesPerColumn: message.getUint32(16, true),
    columns,
  };
}

/** A piece of live audio. */
export interface LiveAudio {
  readonly firstSample: number;
  readonly sampleRateHz: number;
  readonly flags: number;
  /** Samples of each channel, -1 to 1. */
  readonly channels: readonly Float32Array<ArrayBuffer>[];
}

/**
 * Reads a piece of live audio.
 *
 * @throws RangeError when the message is shorter than it says
 */
export function parseAudio(message: DataView): LiveAudio {
  const channelCount = message.getUint8(4);
  const sampleCount = message.getUint32(20, true);
  // Asked before memory is taken for the samples.
  if (24 + channelCount * sampleCount * 2 > message.byteLength) {
    throw new RangeError(`${message.byteLength} bytes do not hold ${sampleCount} samples of ${channelCount} channels`);
  }
  const channels = Array.from({ length: channelCount }, (_, channel) => {
    const samples = new Float32Array(sampleCount);
    for (let index = 0; index < sampleCount; index += 1) {
      samples[index] = message.getInt16(24 + (index * channelCount + channel) * 2, true) / 32_768;
    }
    return samples;
  });
  return {
    firstSample: message.getFloat64(8, true),
    sampleRateHz: message.getUint32(16, true),
    flags: message.getUint8(5),
    channels,
  };
}
