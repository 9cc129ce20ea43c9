/** Sample rates from this code on stand behind the frame's number and have a length of their own. */
const firstWrittenRateCode = 12;
const [crc8Polynomial, crc16Polynomial] = [0x07, 0x8005];

const crc8Table = createTable(8, crc8Polynomial);
const crc16Table = createTable(16, crc16Polynomial);

/**
 * A FLAC frame that leaves its sample rate to the file's header, and is else the same. RFC 9639, section 9.
 *
 * @throws RangeError when it is not a frame, or one that writes its rate out
 */
export function withoutSampleRate(frame: Uint8Array): Uint8Array {
  const changed = new Uint8Array(frame);
  const headerBytes = flacFrameHeaderBytes(changed);
  changed[2] = (changed[2] as number) & 0xf0;
  changed[headerBytes - 1] = checksum(changed.subarray(0, headerBytes - 1), crc8Table, 8);
  const crc16 = checksum(changed.subarray(0, -2), crc16Table, 16);
  changed[changed.length - 2] = crc16 >> 8;
  changed[changed.length - 1] = crc16 & 0xff;
  return changed;
}

/** Length of a frame's header, its checksum included. */
function flacFrameHeaderBytes(frame: Uint8Array): number {
  const [first = 0, second = 0, codes = 0, , number = 0] = frame;
  if (first !== 0xff || second >> 2 !== 0x3e || (codes & 15) >= firstWrittenRateCode) {
    throw new RangeError("this is not a FLAC frame with one of the usual sample rates");
  }
  // As in UTF-8: as many bytes as ones lead, or one byte.
  const numberBytes = Math.max(1, Math.clz32(~(number << 24)));
  const blockSizeCode = codes >> 4;
  const blockSizeBytes = blockSizeCode === 6 ? 1 : blockSizeCode === 7 ? 2 : 0;
  return 4 + numberBytes + blockSizeBytes + 1;
}

function checksum(bytes: Uint8Array, table: Uint16Array, bitCount: 8 | 16): number {
  const shift = bitCount - 8;
  const mask = (1 << bitCount) - 1;
  let crc = 0;
  for (const byte of bytes) crc = ((crc << 8) & mask) ^ (table[(crc >> shift) ^ byte] as number);
  return crc;
}

function createTable(bitCount: 8 | 16, polynomial: number): Uint16Array {
  const top = 1 << (bitCount - 1);
  return Uint16Array.from({ length: 256 }, (_, byte) => {
    let crc = byte << (bitCount - 8);
    for (let bit = 0; bit < 8; bit += 1) crc = crc & top ? (crc << 1) ^ polynomial : crc << 1;
    return crc & ((1 << bitCount) - 1);
  });
}
