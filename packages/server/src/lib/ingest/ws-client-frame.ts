const maskBytes = 4;
/** Lengths that fit into two bytes of the header say so by this one. */
const length16 = 126;
const length64 = 127;
const maxControlBytes = 125;
const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
const known: ReadonlySet<number> = new Set(Object.values(opcodes));

/** Where a frame that a client sent lies in what came. */
export interface ClientFrame {
  /** Of its payload. */
  readonly start: number;
  /** Behind its payload, which need not have come yet. */
  readonly end: number;
  /** A whole binary message. */
  readonly isSimple: boolean;
  readonly isFinal: boolean;
  readonly isControl: boolean;
  readonly isClose: boolean;
}

/**
 * Reads the header of a frame. [RFC 6455, 5.2]
 *
 * @param at - where it begins
 * @param maxPayloadBytes - longest payload that is taken
 * @returns `incomplete` when more bytes are needed to say; `invalid` for what is against the protocol or too long
 */
export function parseClientFrame(
  bytes: Buffer,
  at: number,
  maxPayloadBytes: number,
): ClientFrame | "incomplete" | "invalid" {
  const first = bytes[at] ?? 0;
  const opcode = first & 0x0f;
  const isFinal = first >= 0x80;
  const isControl = opcode >= opcodes.close;
  if ((first & 0x70) !== 0 || !known.has(opcode)) return "invalid";
  const second = bytes[at + 1];
  if (second === undefined) return "incomplete";
  const shortLength = second & 0x7f;
  if (second < 0x80 || (isControl && (!isFinal || shortLength > maxControlBytes))) return "invalid";
  const start = at + 2 + maskBytes + (shortLength < length16 ? 0 : shortLength === length64 ? 8 : 2);
  if (bytes.byteLength < start) return "incomplete";
  const payloadBytes = readLength(bytes, at + 2, shortLength);
  if (payloadBytes > maxPayloadBytes) return "invalid";
  const isSimple = isFinal && opcode === opcodes.binary;
  return { start, end: start + payloadBytes, isSimple, isFinal, isControl, isClose: opcode === opcodes.close };
}

function readLength(bytes: Buffer, at: number, shortLength: number): number {
  if (shortLength < length16) return shortLength;
  if (shortLength === length16) return bytes.readUInt16BE(at);
  return bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}

/** What was read last as words: they take a third of the time of bytes, and a read holds many frames. */
let viewed: DataView = new DataView(new ArrayBuffer(0));

/** The payload of a frame that is whole, unmasked where it lies. No `Buffer`, whose `slice` would not copy. */
export function unmask(bytes: Buffer, { start, end }: ClientFrame): Uint8Array {
  const payload = new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
  if (viewed.buffer !== bytes.buffer) viewed = new DataView(bytes.buffer);
  const view = viewed;
  const mask = view.getInt32(payload.byteOffset - maskBytes, true);
  const endAt = payload.byteOffset + payload.byteLength;
  let at = payload.byteOffset;
  for (; at <= endAt - maskBytes; at += maskBytes) view.setInt32(at, view.getInt32(at, true) ^ mask, true);
  for (let shift = 0; at < endAt; at += 1, shift += 8) view.setUint8(at, view.getUint8(at) ^ (mask >>> shift));
  return payload;
}
