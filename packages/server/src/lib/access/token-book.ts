import type { Clock } from "../kernel/clock.ts";
import { RequestError, toError } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import { AccessStore, type StoredToken } from "./access-store.ts";
import { createSecret, createTokenId, hashSecret, isSameHash, isTokenValid, type Role, type Token } from "./token.ts";

/** Time between two looks at what other processes have changed: a revocation counts within a second. */
const watchIntervalMs = 250;
/** Uses are written this often. */
const useIntervalMs = 60_000;

export interface TokenBookOptions {
  /** The database file; made with the first token. */
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether the file is there; the default asks the disk. */
  readonly exists: (path: string) => boolean;
}

/** What a new token is to be. */
export type NewToken = {
  readonly name: string;
  /** For how long it is good; left out or `null`: for ever. */
  readonly lifetimeMs?: number | null;
} & ({ readonly kind: "device"; readonly hwidPattern: string } | { readonly kind: "api"; readonly role: Role });

/** How a token is followed by another. */
export interface Rotation {
  /** Time for which the old one stays good. */
  readonly overlapMs: number;
  /** Of the new one; left out: that of the old one. */
  readonly lifetimeMs?: number | undefined;
}

/** A token just made: the only time that its secret is there. */
export interface CreatedToken {
  readonly token: Token;
  readonly secret: string;
}

/**
 * All tokens, looked up by the hash of their secret. Several processes may have the same file open: what one of them
 * changes is known to those that {@link watch} within a second.
 */
export class TokenBook {
  readonly #options: TokenBookOptions;
  #store: AccessStore | undefined;
  #version = 0;
  #tokens: ReadonlyMap<string, StoredToken> = new Map();
  #byHash: ReadonlyMap<string, StoredToken> = new Map();
  /** Uses that are not written yet. */
  readonly #usedMs = new Map<string, number>();
  /** As of the last look. */
  #seen: ReadonlyMap<string, StoredToken> = this.#tokens;
  #validCount = 0;
  #watchTimer: NodeJS.Timeout | undefined;
  #useTimer: NodeJS.Timeout | undefined;

  /** @throws StorageError `ACCESS_UNREADABLE` */
  constructor(options: TokenBookOptions) {
    this.#options = options;
    if (options.exists(options.path)) this.#open();
  }

  /** True as long as no token was ever made. */
  get isEmpty(): boolean {
    return this.#tokens.size === 0;
  }

  /** Whether somebody can log in who may make tokens. */
  get hasAdmin(): boolean {
    return [...this.#tokens.values()].some((token) => token.role === "admin" && this.#isGood(token));
  }

  /** Every token that ever was, the oldest first. */
  list(): readonly Token[] {
    return [...this.#tokens.values()].map((token) => this.#show(token));
  }

  /** The token that a secret belongs to, if it is good now. Notes the use. */
  find(secret: string): Token | undefined {
    const hash = hashSecret(secret);
    const key = hash.toString("hex");
    let token = this.#byHash.get(key);
    if (token === undefined && this.#watchTimer !== undefined) {
      // It may have been made by another process since the last look: who makes one uses it at once.
      this.#readAgain();
      token = this.#byHash.get(key);
    }
    if (token === undefined || !isSameHash(token.hash, hash) || !this.#isGood(token)) return undefined;
    this.#usedMs.set(token.id, this.#nowMs);
    return this.#show(token);
  }

  /** A token that is good now. */
  get(id: string): Token | undefined {
    const token = this.#tokens.get(id);
    return token !== undefined && this.#isGood(token) ? this.#show(token) : undefined;
  }

  /** Whether a token is still good. */
  isValid(id: string): boolean {
    const token = this.#tokens.get(id);
    return token !== undefined && this.#isGood(token);
  }

  create(wanted: NewToken): CreatedToken {
    const { stored, secret } = this.#make(wanted);
    this.#open().add(stored);
    this.#load();
    return { token: this.#show(stored), secret };
  }

  /** @throws RequestError `RESOURCE_UNKNOWN` for an id that no token has */
  revoke(id: string): Token {
    this.#require(id);
    this.#open().revoke(id, this.#nowMs);
    this.#load();
    return this.#show(this.#require(id));
  }

  /**
   * Makes the successor of a token, for the same devices or of the same role, and for as long as the old one was made for;
   * the old one is good for a while longer.
   *
   * @throws RequestError `RESOURCE_UNKNOWN`; `TOKEN_ENDED` for one that is not good any more
   */
  rotate(id: string, { overlapMs, lifetimeMs }: Rotation): CreatedToken {
    const old = this.#require(id);
    if (!this.#isGood(old)) throw new RequestError("TOKEN_ENDED", `${id} is revoked or past its time`);
    const forMs = lifetimeMs ?? old.lifetimeMs;
    const common = { name: old.name, lifetimeMs: forMs };
    const { stored, secret } =
      old.kind === "device"
        ? this.#make({ ...common, kind: "device", hwidPattern: old.hwidPattern ?? "" })
        : this.#make({ ...common, kind: "api", role: old.role ?? "viewer" });
    this.#open().replace(id, stored, this.#nowMs + overlapMs);
    this.#load();
    return { token: this.#show(stored), secret };
  }

  /** Follows what other processes change, and tells of every change, ends of time included. */
  watch(onChange: () => void): void {
    this.#watchTimer = setInterval(() => this.#look(onChange), watchIntervalMs).unref();
    this.#useTimer = setInterval(() => this.#writeUses(), useIntervalMs).unref();
  }

  /** Idempotent. */
  close(): void {
    clearInterval(this.#watchTimer);
    clearInterval(this.#useTimer);
    this.#writeUses();
    this.#store?.close();
    this.#store = undefined;
  }

  get #nowMs(): number {
    return this.#options.clock.wallMs();
  }

  #isGood(token: Token): boolean {
    return isTokenValid(token, this.#nowMs);
  }

  #make(wanted: NewToken): { readonly stored: StoredToken; readonly secret: string } {
    const { kind, name, lifetimeMs = null } = wanted;
    const secret = createSecret(kind);
    const createdMs = this.#nowMs;
    // Of one reading of the clock: what it is given is its lifetime to the millisecond.
    const expiresMs = lifetimeMs === null ? null : createdMs + lifetimeMs;
    const stored = {
      ...{ id: createTokenId(kind), kind, name, hash: hashSecret(secret), createdMs, expiresMs, lifetimeMs },
      hwidPattern: wanted.kind === "device" ? wanted.hwidPattern : null,
      role: wanted.kind === "api" ? wanted.role : null,
      ...{ lastUsedMs: null, revokedMs: null },
    };
    return { stored, secret };
  }

  #require(id: string): StoredToken {
    const token = this.#tokens.get(id);
    if (token === undefined) throw new RequestError("RESOURCE_UNKNOWN", `no token has the id ${JSON.stringify(id)}`);
    return token;
  }

  #show({ hash: _hash, lifetimeMs: _lifetimeMs, ...token }: StoredToken): Token {
    return { ...token, lastUsedMs: this.#usedMs.get(token.id) ?? token.lastUsedMs };
  }

  #open(): AccessStore {
    if (this.#store !== undefined) return this.#store;
    this.#store = AccessStore.open(this.#options.path);
    this.#load();
    return this.#store;
  }

  #load(): void {
    if (this.#store === undefined) return;
    // Before the read: what is written behind it is read the next time.
    this.#version = this.#store.version;
    const tokens = this.#store.list();
    this.#tokens = new Map(tokens.map((token) => [token.id, token]));
    this.#byHash = new Map(tokens.map((token) => [token.hash.toString("hex"), token]));
  }

  #readAgain(): void {
    try {
      if (this.#store === undefined && this.#options.exists(this.#options.path)) this.#open();
      else if (this.#store !== undefined && this.#store.version !== this.#version) this.#load();
    } catch (thrown) {
      // What is known goes on to count: nobody gets in who could not before.
      this.#options.log.error({ error: toError(thrown).message }, "tokens not read");
    }
  }

  #look(onChange: () => void): void {
    this.#readAgain();
    const validCount = [...this.#tokens.values()].reduce((count, token) => count + Number(this.#isGood(token)), 0);
    const isChanged = validCount !== this.#validCount || this.#tokens !== this.#seen;
    this.#validCount = validCount;
    this.#seen = this.#tokens;
    if (isChanged) onChange();
  }

  #writeUses(): void {
    if (this.#usedMs.size === 0 || this.#store === undefined) return;
    try {
      this.#store.noteUsed(this.#usedMs);
      this.#load();
      this.#usedMs.clear();
    } catch (thrown) {
      this.#options.log.warn({ error: toError(thrown).message }, "uses of tokens not written");
    }
  }
}
