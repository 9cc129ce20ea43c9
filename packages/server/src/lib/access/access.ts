import { randomBytes } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Clock } from "../kernel/clock.ts";
import type { DeviceCertificate } from "../kernel/device-certificate.ts";
import { LimitError, RequestError, type ServerError } from "../kernel/errors.ts";
import { type Credentials, readAuthorization, readDeviceCredentials } from "./credentials.ts";
import { FailureLimit } from "./failure-limit.ts";
import { matchesHwid, parseHwidPattern } from "./hwid-pattern.ts";
import type { RouteRight } from "./route-roles.ts";
import type { Person, Session } from "./session-store.ts";
import type { Sessions } from "./sessions.ts";
import { createSecret, hashSecret, includesRole, isSameHash, type Role, type Token } from "./token.ts";
import type { CreatedToken, TokenBook } from "./token-book.ts";

/** `local`: open, to this machine; `insecure-open`: open to all that reach it; `protected`: who asks must show a token. */
export type AccessMode = "local" | "insecure-open" | "protected";

/** Who asks. */
export interface Identity {
  /** `null`: a device. */
  readonly role: Role | null;
  readonly name: string;
  /** `null`: nobody had to show any, as the server is open; or the session was begun without one. */
  readonly tokenId: string | null;
  /** What the cookie of a session holds. */
  readonly session?: string;
}

/** Name of the cookie that keeps a person logged in where the page comes in clear text. */
export const sessionCookie = "eet_session";
/** The same over TLS: the prefix has browsers take it from this very host alone, by TLS. */
export const secureSessionCookie = "__Host-eet_session";

/** Of one address in a minute, unless it is set. */
const defaultMaxFailedLogins = 10;

/** Stands for {@link Access.ownSecret}, which is in no list. */
const ownTokenId = "own";

/** Everybody, where nobody has to show who they are. */
const anybody: Identity = { role: "admin", name: "anybody", tokenId: null };

/** Says what people may do whom an OpenID provider has named. */
export interface PeopleRoles {
  /** `undefined`: nothing, also for those whom another provider has named. */
  roleOf(person: Person): Role | undefined;
  /** Leaves of somebody's groups those that count. */
  narrow(person: Person): Person;
  /** Whether somebody can be administrator by it. */
  readonly grantsAdmin: boolean;
}

export interface AccessOptions {
  readonly tokens: TokenBook;
  readonly sessions: Sessions;
  /** Left out: people log in by tokens alone. */
  readonly people?: PeopleRoles | undefined;
  /** Whether only this machine reaches the server. */
  readonly isLoopback: boolean;
  readonly isTokenInUrl: boolean;
  readonly clock: Clock;
  /** Of one address in a minute, of IPv6 of a /64, asked for each time; default 10. */
  readonly maxFailedLogins?: () => number;
}

/** How the connection of a device is judged. */
export interface DeviceVerdict {
  readonly refusal?: ServerError;
  /** Whether the refusal can be told by a CLOSE only: browsers do not show the answer to an upgrade. [P-3] */
  readonly isToldByClose?: boolean;
  /** `null`: nobody had to show one, or a login let it in that was begun without one. */
  readonly tokenId: string | null;
  /** Who streams from the page: their login let it in. */
  readonly person?: Identity;
  /** What let it in. */
  readonly certificate?: DeviceCertificate;
}

/** A connection as it asks to be let in. */
export interface DeviceRequest {
  readonly headers: IncomingHttpHeaders;
  readonly url?: string | undefined;
  /** Whether a page of this server itself opened it, as the browser tells: its cookie counts. */
  readonly isOwnPage?: boolean;
  /** What it was opened with. */
  readonly certificate?: DeviceCertificate | undefined;
}

/** Who may what, as long as a server runs. */
export class Access {
  readonly tokens: TokenBook;
  readonly #options: AccessOptions;
  readonly #sessions: Sessions;
  readonly #logins: FailureLimit;
  readonly #guesses: FailureLimit;
  readonly #setupHash: Buffer;
  /** Lets its holder make the first token of an administrator, once, while there is none. */
  readonly setupCode = randomBytes(24).toString("base64url");
  /** Lets in the devices that the server itself plays, under any id. */
  readonly ownSecret = createSecret("device");
  readonly #ownHash = hashSecret(this.ownSecret);
  #isSetupUsed = false;

  constructor(options: AccessOptions) {
    const { tokens, clock, maxFailedLogins: maxCount = () => defaultMaxFailedLogins } = options;
    this.tokens = tokens;
    this.#options = options;
    this.#sessions = options.sessions;
    this.#logins = new FailureLimit({ clock, maxCount });
    this.#guesses = new FailureLimit({ clock, maxCount });
    this.#setupHash = hashSecret(this.setupCode);
  }

  get mode(): AccessMode {
    if (!this.tokens.isEmpty || this.#options.people !== undefined) return "protected";
    return this.#options.isLoopback ? "local" : "insecure-open";
  }

  /** Whether the set-up link leads anywhere. */
  get isSetupOpen(): boolean {
    return !this.#isSetupUsed && !this.tokens.hasAdmin && this.#options.people?.grantsAdmin !== true;
  }

  /**
   * Tells who sends a request.
   *
   * @param address - of the client; wrong tokens are counted by it
   * @returns `undefined` for one that says nothing
   * @throws RequestError `TOKEN_INVALID`; LimitError `LOGIN_LIMIT`
   */
  identify(headers: IncomingHttpHeaders, address: string): Identity | undefined {
    if (this.mode !== "protected") return anybody;
    const given = readAuthorization(headers.authorization);
    if (given !== undefined) return this.#toIdentity(this.#require(given, address));
    const session = readSessionCookie(headers.cookie);
    return session === undefined ? undefined : this.#identifySession(session);
  }

  /** @throws RequestError `CREDENTIALS_MISSING` or `ROLE_REFUSED` */
  require(identity: Identity | undefined, right: RouteRight): void {
    if (right === "none") return;
    if (identity === undefined) throw new RequestError("CREDENTIALS_MISSING", "neither a token nor a login came along");
    if (right === "any" || (identity.role !== null && includesRole(identity.role, right))) return;
    const has = identity.role === null ? "a token of a device" : `the role ${identity.role}`;
    throw new RequestError("ROLE_REFUSED", `${JSON.stringify(identity.name)} has ${has}; needed: ${right}`);
  }

  /** Whether who was let in before would be let in now. */
  isStillGood({ tokenId, session }: Pick<Identity, "tokenId" | "session">): boolean {
    if (session !== undefined) return this.#identifySession(session) !== undefined;
    if (tokenId === null) return this.mode !== "protected";
    return tokenId === ownTokenId || this.tokens.isValid(tokenId);
  }

  /** Whether a request shows the {@link ownSecret}. */
  isOwnDevice({ headers }: Pick<DeviceRequest, "headers">): boolean {
    const given = readAuthorization(headers.authorization);
    return given !== undefined && isSameHash(hashSecret(given.secret), this.#ownHash);
  }

  /** Judges the connection of a device. [P-3.1] @param hwid - `null`: without an id; `undefined`: for the echo */
  judgeDevice(request: DeviceRequest, hwid: string | null | undefined, address: string): DeviceVerdict {
    const given = readDeviceCredentials(request.headers, request.url ?? "", this.#options.isTokenInUrl);
    // Looked at where nobody has to show one, too: the server's own go on when the first token is made.
    if (given !== undefined && isSameHash(hashSecret(given.secret), this.#ownHash)) return { tokenId: ownTokenId };
    const { certificate, isOwnPage = false } = request;
    // A token in a header or a subprotocol stands before a certificate, one in the address behind it. [P-3.1]
    const isToken = this.mode === "protected" && given !== undefined && given.way !== "url";
    if (certificate !== undefined && !isToken && !isOwnPage) return judgeCertificate(certificate, hwid);
    if (this.mode !== "protected") return { tokenId: null };
    if (given === undefined) return this.#judgePage(request);
    try {
      const token = this.#require(given, address);
      if (hwid !== undefined) this.#requireHwid(token, given, hwid);
      return { tokenId: token.id };
    } catch (thrown) {
      return { tokenId: null, refusal: thrown as ServerError, isToldByClose: given.way === "subprotocol" };
    }
  }

  /**
   * The page may be a device without a token of its own, by the login of somebody who may operate. Refusals are told by a
   * CLOSE: browsers show nothing else.
   */
  #judgePage({ headers, isOwnPage = false }: DeviceRequest): DeviceVerdict {
    const session = isOwnPage ? readSessionCookie(headers.cookie) : undefined;
    if (session === undefined) {
      return { tokenId: null, refusal: new RequestError("CREDENTIALS_MISSING", "no token came along") };
    }
    const person = this.#identifySession(session);
    if (person !== undefined && person.role !== null && includesRole(person.role, "operator")) {
      return { tokenId: person.tokenId, person };
    }
    const refusal =
      person === undefined
        ? new RequestError("TOKEN_INVALID", "the login of the page has ended")
        : new RequestError(
            "ROLE_REFUSED",
            `${JSON.stringify(person.name)} is ${person.role}; needed: operator, or a token`,
          );
    return { tokenId: null, refusal, isToldByClose: true };
  }

  /** Tells why a device that was let in has to go. */
  reviewDevice({ tokenId, session }: Pick<Identity, "tokenId" | "session">): ServerError | undefined {
    if (this.isStillGood({ tokenId, ...(session !== undefined && { session }) })) return undefined;
    if (session !== undefined) return new RequestError("TOKEN_INVALID", "the login of the page has ended");
    return tokenId === null
      ? new RequestError("TOKEN_INVALID", "the server asks for tokens now, and none came along")
      : new RequestError("TOKEN_INVALID", `the token ${tokenId} was revoked or is past its time`);
  }

  /**
   * Begins the session of a person.
   *
   * @throws RequestError `TOKEN_INVALID`, also for a token of a device; LimitError `LOGIN_LIMIT`
   */
  login(secret: string, address: string): Identity & { readonly session: string } {
    this.#requirePatience(this.#logins, address);
    const token = this.tokens.find(secret);
    if (token === undefined || token.role === null) {
      this.#logins.note(address);
      throw new RequestError("TOKEN_INVALID", "nobody can log in with this");
    }
    const { id: tokenId, name, role } = token;
    return { ...this.#toIdentity(token), session: this.#sessions.begin({ tokenId, name, role }) };
  }

  /**
   * Begins the session of a person whom an OpenID provider has named.
   *
   * @throws RequestError `PERSON_REFUSED` for one whom the settings give no role
   */
  loginPerson(named: Person, name: string): Identity & { readonly session: string } {
    const { people } = this.#options;
    const person = people?.narrow(named) ?? named;
    const role = people?.roleOf(person);
    if (role === undefined) {
      throw new RequestError("PERSON_REFUSED", `the settings give no role to ${JSON.stringify(name.slice(0, 100))}`);
    }
    return { role, name, tokenId: null, session: this.#sessions.begin({ person, name, role }) };
  }

  /** Ends the session of a person. */
  logout(session: string): void {
    this.#sessions.end(session);
  }

  /**
   * Makes the first token of an administrator for who has the set-up link.
   *
   * @throws RequestError `SETUP_CLOSED`; LimitError `LOGIN_LIMIT`
   */
  setUp(code: string, address: string): CreatedToken {
    this.#requirePatience(this.#logins, address);
    if (!this.isSetupOpen || !isSameHash(hashSecret(code), this.#setupHash)) {
      this.#logins.note(address);
      throw new RequestError(
        "SETUP_CLOSED",
        "the link was used, is not of this start, or somebody is administrator already",
      );
    }
    this.#isSetupUsed = true;
    return this.tokens.create({ kind: "api", name: "first administrator", role: "admin" });
  }

  /** A session is over as soon as its holder would get another role now. */
  #identifySession(session: string): Identity | undefined {
    const found = this.#sessions.find(session);
    if (found === undefined || this.#roleNow(found) !== found.role) return undefined;
    const { tokenId, name, role } = found;
    return { role, name, tokenId, session };
  }

  #roleNow({ tokenId, person }: Session): Role | null | undefined {
    if (tokenId !== null) return this.tokens.get(tokenId)?.role;
    return person === null ? undefined : this.#options.people?.roleOf(person);
  }

  /** Wrong guesses wait only once they are wrong: nobody locks out a device behind the same address. */
  #require(given: Credentials, address: string): Token {
    const token = this.tokens.find(given.secret);
    if (token !== undefined) return token;
    this.#requirePatience(this.#guesses, address);
    this.#guesses.note(address);
    throw new RequestError("TOKEN_INVALID", `no token that is good now is what came by ${ways[given.way]}`);
  }

  #requireHwid({ id, hwidPattern }: Token, { way, user = "" }: Credentials, hwid: string | null): void {
    if (hwidPattern === null) throw new RequestError("HWID_REFUSED", `the token ${id} is for people and programs`);
    const named = hwid ?? "none (/ws)";
    if (!matchesHwid(hwidPattern, hwid)) {
      throw new RequestError("HWID_REFUSED", `the token ${id} is for ${hwidPattern}, the device id is ${named}`);
    }
    if (way === "basic" && user !== "" && hwid !== null && parseHwidPattern(user) !== hwid) {
      throw new RequestError("HWID_REFUSED", `Basic names another device than the path, which has ${named}`);
    }
  }

  #requirePatience(limit: FailureLimit, address: string): void {
    const waitS = limit.waitS(address);
    if (waitS > 0) throw new LimitError("LOGIN_LIMIT", `too many wrong credentials came from here; wait ${waitS} s`);
  }

  #toIdentity({ id, name, role }: Token): Identity {
    return { role, name, tokenId: id };
  }
}

/** A certificate is for the one device that its subject names. */
function judgeCertificate(certificate: DeviceCertificate, hwid: string | null | undefined): DeviceVerdict {
  const { name, hwid: own, fault } = certificate;
  const quoted = JSON.stringify(name);
  if (fault !== undefined) {
    return {
      tokenId: null,
      refusal: new RequestError("CERTIFICATE_INVALID", `the certificate of ${quoted}: ${fault}`),
    };
  }
  if (hwid === undefined || (own !== undefined && own === hwid)) return { tokenId: null, certificate };
  const named = hwid ?? "none (/ws)";
  const detail = `the certificate is for ${quoted} (the subject's one common name), the device id is ${named}`;
  return { tokenId: null, refusal: new RequestError("HWID_REFUSED", detail) };
}

const ways: Readonly<Record<Credentials["way"], string>> = {
  bearer: "Authorization: Bearer",
  basic: "Authorization: Basic",
  subprotocol: "the subprotocol eet.bearer",
  url: "?token=",
};

/** Whatever is on another port of this host may set the one without the prefix: the other stands before it. */
function readSessionCookie(header: string | undefined): string | undefined {
  return readCookie(header, secureSessionCookie) ?? readCookie(header, sessionCookie);
}

/** The value of a cookie that came along. @param header - `Cookie` */
export function readCookie(header: string | undefined, name: string): string | undefined {
  const found = header?.split(";").find((pair) => pair.trim().startsWith(`${name}=`));
  return found?.trim().slice(name.length + 1);
}
