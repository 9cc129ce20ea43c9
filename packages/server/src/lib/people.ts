import { OidcLogin } from "./access/oidc-login.ts";
import { OidcProvider } from "./access/oidc-provider.ts";
import { OidcRoles } from "./access/oidc-roles.ts";
import { OidcTickets } from "./access/oidc-ticket.ts";
import { readSecretFile } from "./access/secret-file-store.ts";
import type { OidcSettings } from "./config/oidc-settings.ts";
import type { Clock } from "./kernel/clock.ts";
import type { Log } from "./kernel/log.ts";

/** How people log in by an OpenID provider, and what they may then. */
export interface People {
  readonly roles: OidcRoles;
  readonly login: OidcLogin;
  /** Looks for the provider, and tells in the log when it is not there; never rejects. */
  probe(): Promise<void>;
}

/**
 * Makes the login by the OpenID provider of the settings.
 *
 * @returns `undefined` where there is none
 * @throws ConfigError `CONFIG_BAD_FILE` for a secret that cannot be read
 */
export function openPeople(
  settings: OidcSettings,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): People | undefined {
  const { issuer, clientId, clientSecret, clientSecretFile, roleOfValue, scopes, roleClaim, name, contact } = settings;
  if (issuer === undefined || clientId === undefined) return undefined;
  const read = () =>
    clientSecretFile === undefined ? undefined : readSecretFile(clientSecretFile, "Oidc:ClientSecretFile");
  const secret = clientSecret ?? read();
  const provider = new OidcProvider({ issuer, clientId, clientSecret: secret, scopes, roleClaim, clock, log });
  const tickets = new OidcTickets(() => clock.wallMs());
  if (roleOfValue.size === 0) log.warn({}, "Oidc:Roles is not set: nobody is let in by the OpenID provider");
  return {
    roles: new OidcRoles({ issuer, roleOfValue }),
    login: new OidcLogin({ provider, tickets, name, contact }),
    probe: () => provider.probe(),
  };
}
