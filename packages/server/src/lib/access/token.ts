import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { type Role, roles } from "../kernel/role-map.ts";

export { type Role, roles } from "../kernel/role-map.ts";

/** Whom a token is for. */
export type TokenKind = "device" | "api";

/** A token, without its secret: that is known to its holder only. */
export interface Token {
  /** Names it in lists; not secret. */
  readonly id: string;
  readonly kind: TokenKind;
  /** For people. */
  readonly name: string;
  /** Devices that it is for, see `HwidPattern`; `null` for those of the API. */
  readonly hwidPattern: string | null;
  /** `null` for those of devices. */
  readonly role: Role | null;
  /** ms since 1970, as all times here. */
  readonly createdMs: number;
  /** `null`: never. */
  readonly expiresMs: number | null;
  /** To about a minute; `null`: not yet. */
  readonly lastUsedMs: number | null;
  readonly revokedMs: number | null;
}

/** What a token begins with: people, and those who scan for leaked secrets, see what it is. */
const prefixes: Readonly<Record<TokenKind, string>> = { device: "eet_d_", api: "eet_a_" };

/** Longest text that is looked at: nothing that was made here is longer. */
const maxSecretLength = 200;

/** Makes the secret of a token: 256 random bits behind its prefix, 49 characters that fit any header. [P-3] */
export function createSecret(kind: TokenKind): string {
  return prefixes[kind] + randomBytes(32).toString("base64url");
}

/** Makes an id of 48 random bits. */
export function createTokenId(kind: TokenKind): string {
  return `${kind === "device" ? "d" : "a"}-${randomBytes(6).toString("hex")}`;
}

/** SHA-256 of a secret. Fast is right: there is nothing to guess in 256 random bits. */
export function hashSecret(secret: string): Buffer {
  return createHash("sha256").update(secret.slice(0, maxSecretLength)).digest();
}

/** Compares without telling by its time how much is equal. */
export function isSameHash(one: Buffer, other: Buffer): boolean {
  return one.byteLength === other.byteLength && timingSafeEqual(one, other);
}

/** Whether a role may what is asked of another. */
export function includesRole(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed);
}

/** Whether a token is good at a moment. */
export function isTokenValid({ expiresMs, revokedMs }: Token, nowMs: number): boolean {
  return revokedMs === null && (expiresMs === null || nowMs < expiresMs);
}
