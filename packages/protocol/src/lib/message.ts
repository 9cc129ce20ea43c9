import { limits } from "./limits.ts";
import { ProtocolError } from "./protocol-error.ts";

/**
 * Makes one message with the header `{u32 magic, u32 length, u32 seq}` that all but the handshake share. [P-1.2] [P-2.1]
 *
 * @param seq - any whole number; the wire carries it modulo 2^32
 * @param fill - writes the payload, which starts at byte 12
 */
export function formatMessage(
  magic: number,
  payloadBytes: number,
  seq: number,
  fill: (view: DataView, bytes: Uint8Array) => void,
): Uint8Array {
  const bytes = new Uint8Array(limits.frameHeaderBytes + payloadBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic, true);
  view.setUint32(4, payloadBytes, true);
  view.setUint32(8, seq, true);
  fill(view, bytes);
  return bytes;
}

/**
 * Checks that a message holds the payload that its kind has.
 *
 * @throws {@link ProtocolError} `FRAME_LENGTH`, `CONTROL_LENGTH`
 */
export function checkLength(view: DataView, name: string, payloadBytes: number): void {
  const length = view.getUint32(4, true);
  const held = view.byteLength - limits.frameHeaderBytes;
  if (length !== held) {
    throw new ProtocolError("FRAME_LENGTH", `length says ${length} bytes, the message holds ${held} after the header`);
  }
  if (length !== payloadBytes) {
    throw new ProtocolError("CONTROL_LENGTH", `${name} has a payload of ${length} bytes, it has ${payloadBytes}`);
  }
}

/** A u64 as a number; 0, which stands for unknown, when no number can hold it. */
export function readUint64(view: DataView, at: number): number {
  const value = Number(view.getBigUint64(at, true));
  return Number.isSafeInteger(value) ? value : 0;
}
