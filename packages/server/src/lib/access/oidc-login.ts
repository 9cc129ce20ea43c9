import { RequestError } from "../kernel/errors.ts";
import type { KnownPerson, OidcProvider } from "./oidc-provider.ts";
import type { OidcTickets } from "./oidc-ticket.ts";

/** Where the provider sends browsers back to, below the server's address. */
export const callbackPath = "/api/v1/oidc/callback";

export interface OidcLoginOptions {
  readonly provider: OidcProvider;
  readonly tickets: OidcTickets;
  /** What people know the provider by. */
  readonly name: string;
  /** Whom somebody without a role is told to ask. */
  readonly contact?: string | undefined;
}

/** The login of people by an OpenID provider. */
export class OidcLogin {
  readonly name: string;
  readonly contact: string | null;
  readonly #provider: OidcProvider;
  readonly #tickets: OidcTickets;

  constructor({ provider, tickets, name, contact }: OidcLoginOptions) {
    this.#provider = provider;
    this.#tickets = tickets;
    this.name = name;
    this.contact = contact ?? null;
  }

  /**
   * Begins a login.
   *
   * @param origin - of this server, as the browser knows it
   * @param next - path of the page where it ends
   * @returns where the browser is to go, and what the cookie is that it comes back with
   * @throws LimitError `OIDC_UNREACHABLE`
   */
  async begin(origin: string, next: string): Promise<{ readonly url: string; readonly cookie: string }> {
    const { url, ticket } = await this.#provider.begin(`${origin}${callbackPath}`);
    return { url: url.href, cookie: await this.#tickets.seal({ ...ticket, next: isOwnPath(next) ? next : "/" }) };
  }

  /**
   * Ends a login.
   *
   * @param search - of the address, as the provider made it
   * @throws RequestError `OIDC_FAILED`; LimitError `OIDC_UNREACHABLE`
   */
  async finish(search: string, cookie: string | undefined): Promise<KnownPerson & { readonly next: string }> {
    const ticket = cookie === undefined ? undefined : await this.#tickets.open(cookie);
    if (ticket === undefined) throw new RequestError("OIDC_FAILED", "no login was begun by this browser, or long ago");
    return { ...(await this.#provider.finish(search, ticket)), next: ticket.next };
  }
}

/** A path that leads to no other server, however a browser reads it. */
function isOwnPath(path: string): boolean {
  return /^\/(?!\/)[\w~./-]*$/.test(path) && path.length <= 500;
}
