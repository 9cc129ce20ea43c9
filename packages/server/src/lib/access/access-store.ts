import { existsSync } from "node:fs";
import type Database from "better-sqlite3";
import { openAccessDatabase } from "./access-database-store.ts";
import type { Role, Token, TokenKind } from "./token.ts";

/** A token with the hash of its secret. */
export interface StoredToken extends Token {
  readonly hash: Buffer;
  /** From when it was made, as it was meant then: a rotation brings its end nearer. `null`: for ever. */
  readonly lifetimeMs: number | null;
}

interface Row {
  readonly id: string;
  readonly kind: TokenKind;
  readonly name: string;
  readonly hash: Buffer;
  readonly hwid_pattern: string | null;
  readonly role: Role | null;
  readonly created_ms: number;
  readonly expires_ms: number | null;
  readonly last_used_ms: number | null;
  readonly revoked_ms: number | null;
  /** `null`: an earlier version made it. */
  readonly lifetime_ms: number | null;
}

/** Stands for a lifetime without end. */
const endless = 0;

/**
 * The tokens in a SQLite file of their own, which several processes may write at once: a running server, and the command
 * line beside it. It holds no secret, only hashes.
 */
export class AccessStore {
  readonly #database: Database.Database;

  private constructor(database: Database.Database) {
    this.#database = database;
  }

  /** @throws StorageError `ACCESS_UNREADABLE` for a file that is damaged, another program's or of a later version */
  static open(path: string): AccessStore {
    return new AccessStore(openAccessDatabase(path));
  }

  /** Whether a token was ever made. */
  static exists(this: void, path: string): boolean {
    return existsSync(path);
  }

  /** Every token that ever was, the oldest first. */
  list(): readonly StoredToken[] {
    const rows = this.#database.prepare<[], Row>("SELECT * FROM token ORDER BY created_ms, rowid").all();
    return rows.map((row) => ({
      ...{ id: row.id, kind: row.kind, name: row.name, hash: row.hash, role: row.role },
      hwidPattern: row.hwid_pattern,
      createdMs: row.created_ms,
      expiresMs: row.expires_ms,
      lastUsedMs: row.last_used_ms,
      revokedMs: row.revoked_ms,
      lifetimeMs: readLifetime(row),
    }));
  }

  add(token: StoredToken): void {
    this.#database
      .prepare(
        "INSERT INTO token (id, kind, name, hash, hwid_pattern, role, created_ms, expires_ms, lifetime_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      )
      .run(
        ...[token.id, token.kind, token.name, token.hash, token.hwidPattern, token.role],
        ...[token.createdMs, token.expiresMs, token.lifetimeMs ?? endless],
      );
  }

  /** Adds the successor of a token, which ends at a moment unless it ends before. */
  replace(id: string, successor: StoredToken, expiresMs: number): void {
    this.#database.transaction(() => {
      this.#database
        .prepare("UPDATE token SET expires_ms = min(ifnull(expires_ms, ?), ?) WHERE id = ?")
        .run(expiresMs, expiresMs, id);
      this.add(successor);
    })();
  }

  revoke(id: string, atMs: number): void {
    this.#database.prepare("UPDATE token SET revoked_ms = ? WHERE id = ? AND revoked_ms IS NULL").run(atMs, id);
  }

  /** @param usedMs - by id */
  noteUsed(usedMs: ReadonlyMap<string, number>): void {
    const update = this.#database.prepare(
      "UPDATE token SET last_used_ms = max(ifnull(last_used_ms, 0), ?) WHERE id = ?",
    );
    this.#database.transaction(() => {
      for (const [id, atMs] of usedMs) update.run(atMs, id);
    })();
  }

  /** Changes whenever another process, or another connection of this one, has written. */
  get version(): number {
    return this.#database.pragma("data_version", { simple: true }) as number;
  }

  /** Idempotent. */
  close(): void {
    this.#database.close();
  }
}

function readLifetime({ created_ms: createdMs, expires_ms: expiresMs, lifetime_ms: lifetimeMs }: Row): number | null {
  if (lifetimeMs !== null) return lifetimeMs === endless ? null : lifetimeMs;
  return expiresMs === null ? null : expiresMs - createdMs;
}
