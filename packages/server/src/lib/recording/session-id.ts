import { randomBytes } from "node:crypto";

const alphabet = "0123456789abcdefghijklmnopqrstuv";
const idLength = 12;
const idBits = 5 * idLength;

/** 60 random bits, not all zero, in lower-case base 32. */
export function randomSessionId(): string {
  for (;;) {
    const bits = BigInt.asUintN(idBits, randomBytes(8).readBigUInt64LE());
    if (bits !== 0n) return idOf(bits);
  }
}

/** The number that names a session on the wire: the id's bits. [P-2.1] */
export function wireSessionOf(id: string): bigint {
  let bits = 0n;
  for (const digit of id) bits = (bits << 5n) | BigInt(Math.max(0, alphabet.indexOf(digit)));
  return bits;
}

/** The inverse of {@link wireSessionOf}; `undefined` for a number that names none. */
export function sessionIdOf(wireSession: bigint): string | undefined {
  return wireSession > 0n && wireSession < 1n << BigInt(idBits) ? idOf(wireSession) : undefined;
}

function idOf(bits: bigint): string {
  return bits.toString(32).padStart(idLength, "0");
}
