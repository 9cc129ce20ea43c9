import { randomBytes } from "node:crypto";

/** Time for a login at the provider. */
export const ticketTtlS = 600;

/** What a login that is under way must come back with. */
export interface OidcTicket {
  readonly state: string;
  readonly nonce: string;
  /** Of PKCE. */
  readonly verifier: string;
  readonly redirectUri: string;
  /** Where the person goes behind the login: a path of the page. */
  readonly next: string;
}

/** Few servers have a provider: none waits for it at its start. */
const loadJose = () => import("jose");

/**
 * Seals tickets into the cookies of browsers: whoever begins logins and never ends them fills no memory here. The key is of
 * this process, so that a restart ends what is under way.
 */
export class OidcTickets {
  readonly #key = randomBytes(32);
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  async seal(ticket: OidcTicket): Promise<string> {
    const { EncryptJWT } = await loadJose();
    const endMs = this.#nowMs() + ticketTtlS * 1000;
    return new EncryptJWT({ ...ticket })
      .setProtectedHeader({ alg: "dir", enc: "A256GCM" })
      .setExpirationTime(new Date(endMs))
      .encrypt(this.#key);
  }

  /** `undefined` for what was not sealed here, or is over. */
  async open(sealed: string): Promise<OidcTicket | undefined> {
    const { jwtDecrypt } = await loadJose();
    try {
      const algorithms = { keyManagementAlgorithms: ["dir"], contentEncryptionAlgorithms: ["A256GCM"] };
      const { payload } = await jwtDecrypt<OidcTicket>(sealed, this.#key, {
        ...algorithms,
        currentDate: new Date(this.#nowMs()),
      });
      const { state, nonce, verifier, redirectUri, next } = payload;
      return { state, nonce, verifier, redirectUri, next };
    } catch {
      return undefined;
    }
  }
}
