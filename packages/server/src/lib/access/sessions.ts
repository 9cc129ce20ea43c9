import { randomBytes } from "node:crypto";
import type { Clock } from "../kernel/clock.ts";
import { toError } from "../kernel/errors.ts";
import { LineRation } from "../kernel/line-ration.ts";
import type { Log } from "../kernel/log.ts";
import { type Person, type Session, SessionStore } from "./session-store.ts";
import { hashSecret, type Role } from "./token.ts";

/** Of a login by a token, a week: whoever works with the page does not log in each morning. */
export const sessionTtlMs = 7 * 24 * 3_600_000;
/** Of a login by an OpenID provider, half a day: it does not tell when somebody is not to be let in any more. */
export const personTtlMs = 12 * 3_600_000;
/** Of one token or person the surplus is taken first: nobody pushes out others by logging in again and again. */
const bounds = { maxCount: 1_000, maxCountOfOne: 20 } as const;

export interface SessionsOptions {
  /** The database file; made with the first session. */
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** With whom a session begins: the holder of a token, or a person whom a provider has named. */
export type Beginner = { readonly name: string; readonly role: Role } & (
  | { readonly tokenId: string }
  | { readonly person: Person }
);

/** Logins of people. They outlive the server, and end at a time that is fixed when they begin. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #faults: LineRation;
  #store: SessionStore | undefined;

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#faults = new LineRation(options);
  }

  /** Begins a session. @returns what its cookie holds */
  begin(beginner: Beginner): string {
    const secret = randomBytes(32).toString("base64url");
    const begunMs = this.#options.clock.wallMs();
    const { name, role } = beginner;
    const person = "person" in beginner ? beginner.person : null;
    const tokenId = "tokenId" in beginner ? beginner.tokenId : null;
    const endMs = begunMs + (person === null ? sessionTtlMs : personTtlMs);
    this.#store ??= SessionStore.open(this.#options.path);
    if (person !== null) this.#store.endOtherRoles(person, role);
    this.#store.begin(hashSecret(secret), { tokenId, person, name, role, begunMs, endMs }, bounds);
    return secret;
  }

  /** `undefined` for one that is over, and for one that cannot be read: nobody gets in by what nobody can look at. */
  find(secret: string): Session | undefined {
    const session = this.#read(hashSecret(secret));
    return session !== undefined && this.#options.clock.wallMs() < session.endMs ? session : undefined;
  }

  end(secret: string): void {
    this.#open()?.end(hashSecret(secret));
  }

  /** Idempotent. */
  close(): void {
    this.#store?.close();
    this.#store = undefined;
  }

  #read(hash: Buffer): Session | undefined {
    try {
      return this.#open()?.find(hash);
    } catch (thrown) {
      const leftOut = this.#faults.take("read");
      if (leftOut !== undefined) {
        this.#options.log.error({ error: toError(thrown).message, ...leftOut }, "logins not read");
      }
      return undefined;
    }
  }

  #open(): SessionStore | undefined {
    if (this.#store === undefined && SessionStore.exists(this.#options.path)) {
      this.#store = SessionStore.open(this.#options.path);
    }
    return this.#store;
  }
}
