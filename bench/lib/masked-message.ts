/** Every client has to mask what it sends; a real one takes another mask each time, which costs the server no more. [RFC 6455, 5.3] */
const mask = 0x9d3bc157;
const maskBytes = Buffer.of(0x57, 0xc1, 0x3b, 0x9d);
/** Of seq in a message: a WebSocket header of 8 bytes, the mask included, magic and length stand before it. */
const seqOffset = 8 + 8;

/** A final WebSocket frame as a client sends it. */
export function maskedMessage(opcode: number, payload: Uint8Array): Buffer {
  const isLong = payload.byteLength > 125;
  const header = Buffer.alloc(isLong ? 4 : 2);
  header[0] = 0x80 | opcode;
  header[1] = 0x80 | (isLong ? 126 : payload.byteLength);
  if (isLong) header.writeUInt16BE(payload.byteLength, 2);
  const masked = payload.map((byte, index) => byte ^ (maskBytes[index % maskBytes.byteLength] ?? 0));
  return Buffer.concat([header, maskBytes, masked]);
}

/**
 * Numbers an audio frame anew, in place.
 *
 * @param bytes - hold what {@link maskedMessage} made of a frame of more than 125 bytes
 * @param at - where that begins
 */
export function writeSeq(bytes: Buffer, seq: number, at = 0): void {
  bytes.writeInt32LE(seq ^ mask, at + seqOffset);
}
