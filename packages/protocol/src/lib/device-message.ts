import { limits } from "./limits.ts";
import { checkLength, formatMessage, readUint64 } from "./message.ts";
import { ProtocolError } from "./protocol-error.ts";

/** First u32 of what a device sends besides frames on an `eet.v1+ack` connection. [P-2.1] */
export const deviceMagics = {
  /** On the wire `52 53 55 4D`. */
  resume: 0x4d555352,
  /** On the wire `41 4E 43 52`. */
  anchor: 0x52434e41,
  /** On the wire `46 49 4E 49`. */
  finish: 0x494e4946,
} as const;

/** `RSUM`: asks to go on with a session; only before the first frame. [P-2.4] */
export interface Resume {
  readonly kind: "resume";
  /** As an earlier welcome gave it; 0: none, only {@link Resume.nibbleOrder} counts. */
  readonly session: bigint;
  /** Wire seq of the oldest frame that the device still holds. */
  readonly oldestSeq: number;
  /** How the device packs its ADPCM, if it says so. [P-1.5] */
  readonly nibbleOrder: "low" | "high" | undefined;
}

/** `ANCR`: ties a frame to the device's clocks, and tells what the device dropped. */
export interface Anchor {
  readonly kind: "anchor";
  /** Wire seq of the next frame. */
  readonly seq: number;
  /** Device wall clock of that frame's first sample, ms since 1970; 0 = unknown. */
  readonly captureMs: number;
  /** Device monotonic clock of the same sample, microseconds; the origin is arbitrary. */
  readonly captureUs: number;
  /** Frames that the device dropped since the session began. */
  readonly droppedFrameCount: number;
}

/** `FINI`: the last frame has been sent. */
export interface Finish {
  readonly kind: "finish";
  /** Wire seq, one past the last frame. */
  readonly nextSeq: number;
}

/** What a device sends besides handshake and frames. */
export type DeviceMessage = Resume | Anchor | Finish;

const resumeBytes = 12;
const anchorBytes = 24;
const nibbleOrders = [undefined, "low", "high", undefined] as const;

/** True for the first u32 of a {@link DeviceMessage}. */
export function isDeviceMagic(magic: number): boolean {
  return magic === deviceMagics.resume || magic === deviceMagics.anchor || magic === deviceMagics.finish;
}

/**
 * Reads a message that is no frame. Unknown flags are not looked at. [P-2.1]
 *
 * @throws {@link ProtocolError} `FRAME_TOO_SHORT`, `FRAME_MAGIC`, `FRAME_LENGTH`, `CONTROL_LENGTH`
 */
export function parseDeviceMessage(message: Uint8Array): DeviceMessage {
  if (message.byteLength < limits.frameHeaderBytes) {
    throw new ProtocolError("FRAME_TOO_SHORT", `the message has ${message.byteLength} bytes, a header has 12`);
  }
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const seq = view.getUint32(8, true);
  switch (view.getUint32(0, true)) {
    case deviceMagics.resume:
      checkLength(view, "RSUM", resumeBytes);
      return {
        kind: "resume",
        session: view.getBigUint64(12, true),
        oldestSeq: seq,
        nibbleOrder: nibbleOrders[view.getUint32(20, true) & 3],
      };
    case deviceMagics.anchor:
      checkLength(view, "ANCR", anchorBytes);
      return {
        kind: "anchor",
        seq,
        captureMs: readUint64(view, 12),
        captureUs: readUint64(view, 20),
        droppedFrameCount: view.getUint32(28, true),
      };
    case deviceMagics.finish:
      checkLength(view, "FINI", 0);
      return { kind: "finish", nextSeq: seq };
    default:
      throw new ProtocolError("FRAME_MAGIC", `a message with magic 0x${view.getUint32(0, true).toString(16)} came`);
  }
}

/** Writes a message; the inverse of {@link parseDeviceMessage}. Numbers are taken modulo their field. */
export function formatDeviceMessage(message: DeviceMessage): Uint8Array {
  switch (message.kind) {
    case "resume":
      return formatMessage(deviceMagics.resume, resumeBytes, message.oldestSeq, (view) => {
        view.setBigUint64(12, message.session, true);
        view.setUint32(20, Math.max(0, nibbleOrders.indexOf(message.nibbleOrder)), true);
      });
    case "anchor":
      return formatMessage(deviceMagics.anchor, anchorBytes, message.seq, (view) => {
        view.setBigUint64(12, BigInt(Math.round(message.captureMs)), true);
        view.setBigUint64(20, BigInt(Math.round(message.captureUs)), true);
        view.setUint32(28, message.droppedFrameCount, true);
      });
    case "finish":
      return formatMessage(deviceMagics.finish, 0, message.nextSeq, () => {});
  }
}
