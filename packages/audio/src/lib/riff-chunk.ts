const chunkHeaderBytes = 8;

/** One RIFF chunk: identifier, length, body, and the zero that follows an odd body. */
export function formatChunk(id: string, body: Uint8Array): Uint8Array {
  const chunk = new Uint8Array(chunkHeaderBytes + body.length + (body.length & 1));
  chunk.set(encodeAscii(id));
  new DataView(chunk.buffer).setUint32(4, body.length, true);
  chunk.set(body, chunkHeaderBytes);
  return chunk;
}

/** The pieces in one array. */
export function concatBytes(...pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}

const utf8 = new TextEncoder();

/** One byte per character; what is not ASCII becomes `?`. */
export function encodeAscii(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  // As nearly all of it is ASCII, which is its own UTF-8: in one call instead of a loop.
  const { read, written } = utf8.encodeInto(text, bytes);
  if (read === text.length && written === text.length) return bytes;
  let length = 0;
  for (const character of text) {
    const code = character.charCodeAt(0);
    bytes[length] = code < 128 ? code : 0x3f;
    length += 1;
  }
  return bytes.subarray(0, length);
}

/** The four characters at `offset`. */
export function readFourCc(bytes: Uint8Array, offset: number): string {
  return String.fromCharCode(...bytes.subarray(offset, offset + 4));
}
