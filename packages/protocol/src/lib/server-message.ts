import { limits } from "./limits.ts";
import { formatMessage, readUint64 } from "./message.ts";

/** First u32 of what a server sends on an `eet.v1+ack` connection. [P-2.1] */
export const serverMagics = {
  /** On the wire `57 45 4C 43`. */
  welcome: 0x434c4557,
  /** On the wire `41 43 4B 46`. */
  ack: 0x464b4341,
} as const;

/** `WELC`: the session that frames go to from now on. Comes after the handshake, and once more as answer to RSUM. */
export interface Welcome {
  readonly kind: "welcome";
  /** Wire seq of the next frame that the session expects; 0 when it is new. */
  readonly nextSeq: number;
  /** Names the session in RSUM; not 0. */
  readonly session: bigint;
  /** Server wall clock, ms since 1970. */
  readonly serverMs: number;
  /** Acks come at most this often. */
  readonly ackIntervalMs: number;
  /** The session goes on; else it is a fresh one. */
  readonly isResumed: boolean;
  /** Answers RSUM, rather than the handshake. */
  readonly answersResume: boolean;
  /** Acks tell what the object store holds. */
  readonly hasUploads: boolean;
  readonly maxMessageBytes: number;
  /** How long a session without a connection can be resumed. */
  readonly resumeTtlS: number;
}

/** `ACKF`: how far the server has come. All seqs are wire seqs and exclusive. [P-2.2] [P-2.6] */
export interface Ack {
  readonly kind: "ack";
  /** Every frame before it is on stable storage or was declared lost: the device may forget them. */
  readonly durableNext: number;
  /** Every frame before it has come. */
  readonly receivedNext: number;
  /** Every frame before it is verified in the object store; says nothing unless the welcome has `hasUploads`. */
  readonly uploadedNext: number;
  /** The server cannot store at the moment: keep everything. */
  readonly isNotPersisting: boolean;
  /** The server wants less than it gets. */
  readonly isSlowDown: boolean;
  /** Frames came that had come before; they were dropped. */
  readonly hasDuplicates: boolean;
}

/** What a server sends. */
export type ServerMessage = Welcome | Ack;

const welcomeBytes = 28;
const ackBytes = 12;
const flag = (isSet: boolean, bit: number) => (isSet ? 1 << bit : 0);

/** Writes a message; the inverse of {@link parseServerMessage}. Seqs are taken modulo 2^32. */
export function formatServerMessage(message: ServerMessage): Uint8Array {
  if (message.kind === "ack") {
    return formatMessage(serverMagics.ack, ackBytes, message.durableNext, (view) => {
      view.setUint32(12, message.receivedNext, true);
      view.setUint32(16, message.uploadedNext, true);
      const { isNotPersisting, isSlowDown, hasDuplicates } = message;
      view.setUint32(20, flag(isNotPersisting, 0) | flag(isSlowDown, 1) | flag(hasDuplicates, 2), true);
    });
  }
  return formatMessage(serverMagics.welcome, welcomeBytes, message.nextSeq, (view) => {
    view.setBigUint64(12, message.session, true);
    view.setBigUint64(20, BigInt(Math.round(message.serverMs)), true);
    view.setUint16(28, message.ackIntervalMs, true);
    const { isResumed, answersResume, hasUploads } = message;
    view.setUint16(30, flag(isResumed, 0) | flag(answersResume, 1) | flag(hasUploads, 2), true);
    view.setUint32(32, message.maxMessageBytes, true);
    view.setUint32(36, message.resumeTtlS, true);
  });
}

/**
 * Reads what a server sent. A longer payload than known is fine: a later server may say more.
 *
 * @returns `undefined` for what is no such message, which a device passes over
 */
export function parseServerMessage(bytes: Uint8Array): ServerMessage | undefined {
  if (bytes.byteLength < limits.frameHeaderBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const payloadBytes = bytes.byteLength - limits.frameHeaderBytes;
  if (view.getUint32(4, true) !== payloadBytes) return undefined;
  const magic = view.getUint32(0, true);
  if (magic === serverMagics.welcome && payloadBytes >= welcomeBytes) return parseWelcome(view);
  if (magic === serverMagics.ack && payloadBytes >= ackBytes) return parseAck(view);
  return undefined;
}

function parseWelcome(view: DataView): Welcome {
  const flags = view.getUint16(30, true);
  return {
    kind: "welcome",
    nextSeq: view.getUint32(8, true),
    session: view.getBigUint64(12, true),
    serverMs: readUint64(view, 20),
    ackIntervalMs: view.getUint16(28, true),
    isResumed: (flags & 1) !== 0,
    answersResume: (flags & 2) !== 0,
    hasUploads: (flags & 4) !== 0,
    maxMessageBytes: view.getUint32(32, true),
    resumeTtlS: view.getUint32(36, true),
  };
}

function parseAck(view: DataView): Ack {
  const status = view.getUint32(20, true);
  return {
    kind: "ack",
    durableNext: view.getUint32(8, true),
    receivedNext: view.getUint32(12, true),
    uploadedNext: view.getUint32(16, true),
    isNotPersisting: (status & 1) !== 0,
    isSlowDown: (status & 2) !== 0,
    hasDuplicates: (status & 4) !== 0,
  };
}
