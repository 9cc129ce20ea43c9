import type { ClientAuth, Configuration } from "openid-client";
import type { Clock } from "../kernel/clock.ts";
import { LimitError, RequestError, toError } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import { type Claims, readClaim, readName } from "./oidc-roles.ts";
import type { OidcTicket } from "./oidc-ticket.ts";
import type { Person } from "./session-store.ts";

/** Of one request to the provider. */
const requestTimeoutS = 10;
/** For so long a provider that did not answer is not asked again. */
const pauseMs = 2_000;
/** Of what a provider says, in the log. */
const maxQuotedLength = 200;

export interface OidcProviderOptions {
  readonly issuer: string;
  readonly clientId: string;
  /** Left out: a public client, which PKCE alone protects. */
  readonly clientSecret?: string | undefined;
  /** With spaces between. */
  readonly scopes: string;
  /** See `readClaim`. */
  readonly roleClaim: string;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly log: Log;
}

/** A person whom the provider has let in. */
export interface KnownPerson {
  readonly person: Person;
  readonly name: string;
}

/** An OpenID provider, asked by the code flow with PKCE, state and nonce; signatures of ID tokens are checked. */
export class OidcProvider {
  readonly #options: OidcProviderOptions;
  #found: Promise<Configuration> | undefined;
  #failedMs = Number.NEGATIVE_INFINITY;

  constructor(options: OidcProviderOptions) {
    this.#options = options;
  }

  /** Looks for the provider, and tells in the log when it is not there. Never rejects. */
  async probe(): Promise<void> {
    const { issuer, log } = this.#options;
    await this.#find().then(
      () => log.info({ issuer }, "people can log in by the OpenID provider"),
      () => log.warn({ issuer }, "logins by the OpenID provider fail as long as it is away; each tries again"),
    );
  }

  /**
   * Begins a login.
   *
   * @returns where the browser is to go, and what it has to come back with
   * @throws LimitError `OIDC_UNREACHABLE`
   */
  async begin(redirectUri: string): Promise<{ readonly url: URL; readonly ticket: Omit<OidcTicket, "next"> }> {
    const configuration = await this.#find();
    const { buildAuthorizationUrl, calculatePKCECodeChallenge, randomNonce, randomPKCECodeVerifier, randomState } =
      await import("openid-client");
    const ticket = { state: randomState(), nonce: randomNonce(), verifier: randomPKCECodeVerifier(), redirectUri };
    const url = buildAuthorizationUrl(configuration, {
      ...{ redirect_uri: redirectUri, scope: this.#options.scopes, state: ticket.state, nonce: ticket.nonce },
      ...{ code_challenge: await calculatePKCECodeChallenge(ticket.verifier), code_challenge_method: "S256" },
    });
    return { url, ticket };
  }

  /**
   * Ends a login: exchanges the code for what the provider says of the person.
   *
   * @param search - of the address to which the provider has sent the browser back
   * @throws RequestError `OIDC_FAILED`; LimitError `OIDC_UNREACHABLE`
   */
  async finish(search: string, ticket: OidcTicket): Promise<KnownPerson> {
    const configuration = await this.#find();
    try {
      return await this.#exchange(configuration, new URL(search, ticket.redirectUri), ticket);
    } catch (thrown) {
      // What it says of itself may have changed: the next login looks anew.
      this.#found = undefined;
      this.#options.log.warn({ issuer: this.#options.issuer, ...describe(thrown) }, "login by the provider failed");
      throw new RequestError("OIDC_FAILED", "the provider's answer is none, or not of this login", { cause: thrown });
    }
  }

  async #exchange(configuration: Configuration, url: URL, { state, nonce, verifier }: OidcTicket) {
    const { authorizationCodeGrant, fetchUserInfo } = await import("openid-client");
    const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier };
    const tokens = await authorizationCodeGrant(configuration, url, checks);
    const { roleClaim, issuer } = this.#options;
    const said = tokens.claims();
    if (said === undefined) throw new TypeError("no ID token came");
    let claims: Claims = said;
    if (readClaim(claims, roleClaim) === undefined && configuration.serverMetadata().userinfo_endpoint !== undefined) {
      claims = { ...(await fetchUserInfo(configuration, tokens.access_token, said.sub)), ...said };
    }
    const person = { issuer, subject: said.sub, groups: readClaim(claims, roleClaim) ?? [] };
    return { person, name: readName(claims) };
  }

  #find(): Promise<Configuration> {
    const { clock, issuer } = this.#options;
    if (this.#found !== undefined) return this.#found;
    if (clock.monotonicMs() < this.#failedMs + pauseMs) return Promise.reject(unreachable(issuer));
    const found = this.#discover();
    this.#found = found;
    found.catch(() => {
      this.#found = undefined;
      this.#failedMs = clock.monotonicMs();
    });
    return found;
  }

  async #discover(): Promise<Configuration> {
    const { issuer, clientId, clientSecret, log } = this.#options;
    // Loaded only where it is needed.
    const { allowInsecureRequests, ClientSecretBasic, ClientSecretPost, discovery, enableNonRepudiationChecks, None } =
      await import("openid-client");
    const execute = [enableNonRepudiationChecks, ...(issuer.startsWith("http:") ? [allowInsecureRequests] : [])];
    try {
      const [basic, post] = [ClientSecretBasic(clientSecret), ClientSecretPost(clientSecret)];
      const showSecret: ClientAuth = (server, ...request) => {
        const takesPost = server.token_endpoint_auth_methods_supported?.includes("client_secret_post") === true;
        (takesPost ? post : basic)(server, ...request);
      };
      const authentication = clientSecret === undefined ? None() : showSecret;
      return await discovery(new URL(issuer), clientId, {}, authentication, { execute, timeout: requestTimeoutS });
    } catch (thrown) {
      log.warn({ issuer, ...describe(thrown) }, "the OpenID provider cannot be asked");
      throw unreachable(issuer, thrown);
    }
  }
}

function unreachable(issuer: string, cause?: unknown): LimitError {
  return new LimitError("OIDC_UNREACHABLE", `${issuer} does not tell how to log in`, { cause });
}

/** What went wrong, without what is secret: the library's messages and the provider's codes. */
function describe(thrown: unknown): Readonly<Record<string, string>> {
  const error = toError(thrown);
  const cause = error.cause instanceof Error ? error.cause.message : undefined;
  const code = "error" in error && typeof error.error === "string" ? error.error : undefined;
  const facts = { error: error.message, ...(cause !== undefined && { cause }), ...(code !== undefined && { code }) };
  return Object.fromEntries(Object.entries(facts).map(([name, text]) => [name, text.slice(0, maxQuotedLength)]));
}
