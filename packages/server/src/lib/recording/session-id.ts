import { randomBytes } from "node:crypto";

/** 40 random bits in lower-case base 32. */
export function randomSessionId(): string {
  const alphabet = "0123456789abcdefghijklmnopqrstuv";
  let bits = BigInt(`0x${randomBytes(5).toString("hex")}`);
  let id = "";
  for (let count = 0; count < 8; count++) {
    id += alphabet[Number(bits & 31n)];
    bits >>= 5n;
  }
  return id;
}
