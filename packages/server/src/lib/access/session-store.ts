import { existsSync } from "node:fs";
import type Database from "better-sqlite3";
import { openAccessDatabase } from "./access-database-store.ts";
import type { Role } from "./token.ts";

/** Somebody whom an OpenID provider has named. */
export interface Person {
  readonly issuer: string;
  /** The provider's id of the person, its claim `sub`. */
  readonly subject: string;
  /** Values of the claim that roles are derived from. */
  readonly groups: readonly string[];
}

/** A login that goes on. */
export interface Session {
  /** Of the token that it was begun with; `null`: by an OpenID provider. */
  readonly tokenId: string | null;
  /** `null`: by a token. */
  readonly person: Person | null;
  readonly name: string;
  /** As it was at the login. */
  readonly role: Role;
  /** ms since 1970. */
  readonly begunMs: number;
  /** ms since 1970; fixed when it begins. */
  readonly endMs: number;
}

/** How many sessions there may be. */
export interface SessionBounds {
  /** At once. */
  readonly maxCount: number;
  /** Of one token or person. */
  readonly maxCountOfOne: number;
}

const ofPerson = "person ->> 'issuer' = ? AND person ->> 'subject' = ?";

interface Row {
  readonly token_id: string | null;
  readonly person: string | null;
  readonly name: string;
  readonly role: Role;
  readonly begun_ms: number;
  readonly end_ms: number;
}

/** The logins of people in the file of the tokens, by the hash of their cookie: whoever reads the file cannot log in. */
export class SessionStore {
  readonly #database: Database.Database;

  private constructor(database: Database.Database) {
    this.#database = database;
  }

  /** @throws StorageError `ACCESS_UNREADABLE` */
  static open(path: string): SessionStore {
    return new SessionStore(openAccessDatabase(path));
  }

  /** Whether there can be any session. */
  static exists(this: void, path: string): boolean {
    return existsSync(path);
  }

  /**
   * Adds a session, and removes those that are over.
   *
   * @param bounds - sessions at once, and of one token or person; of those that are too many the oldest go
   */
  begin(hash: Buffer, session: Session, { maxCount, maxCountOfOne }: SessionBounds): void {
    const { tokenId, person, name, role, begunMs, endMs } = session;
    const add = this.#database.prepare(
      "INSERT INTO session (hash, token_id, person, name, role, begun_ms, end_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
    );
    const removeOver = this.#database.prepare("DELETE FROM session WHERE end_ms <= ?");
    // The new one stays, also where others have begun in the same millisecond.
    const removeSurplus = (which: string) =>
      this.#database.prepare(
        `DELETE FROM session WHERE hash IN
          (SELECT hash FROM session WHERE hash <> ? AND ${which} ORDER BY begun_ms DESC LIMIT -1 OFFSET ? - 1)`,
      );
    this.#database.transaction(() => {
      removeOver.run(begunMs);
      add.run(hash, tokenId, person === null ? null : JSON.stringify(person), name, role, begunMs, endMs);
      if (person === null) removeSurplus("token_id = ?").run(hash, tokenId, maxCountOfOne);
      else removeSurplus(ofPerson).run(hash, person.issuer, person.subject, maxCountOfOne);
      removeSurplus("TRUE").run(hash, maxCount);
    })();
  }

  /** @throws what SQLite says of a table that it cannot read; TypeError or SyntaxError for a person that is none */
  find(hash: Buffer): Session | undefined {
    const row = this.#database
      .prepare<[Buffer], Row>("SELECT token_id, person, name, role, begun_ms, end_ms FROM session WHERE hash = ?")
      .get(hash);
    if (row === undefined) return undefined;
    const { name, role, begun_ms: begunMs, end_ms: endMs } = row;
    const person = row.person === null ? null : parsePerson(row.person);
    return { tokenId: row.token_id, person, name, role, begunMs, endMs };
  }

  end(hash: Buffer): void {
    this.#database.prepare("DELETE FROM session WHERE hash = ?").run(hash);
  }

  /** Ends what a person has begun with another role than is theirs now. */
  endOtherRoles({ issuer, subject }: Person, role: Role): void {
    this.#database.prepare(`DELETE FROM session WHERE ${ofPerson} AND role <> ?`).run(issuer, subject, role);
  }

  /** Idempotent. */
  close(): void {
    this.#database.close();
  }
}

function parsePerson(text: string): Person {
  const value: unknown = JSON.parse(text);
  const { issuer, subject, groups } = (value ?? {}) as Readonly<Record<keyof Person, unknown>>;
  const isText = (part: unknown) => typeof part === "string";
  if (isText(issuer) && isText(subject) && Array.isArray(groups) && groups.every(isText)) return value as Person;
  throw new TypeError("the row of a login holds a person that is none");
}
