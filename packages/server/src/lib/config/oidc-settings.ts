import Type from "typebox";
import { parseRoleMap, type Role, roleMapAllowed } from "../kernel/role-map.ts";
import { type ChosenValue, readSection } from "./choose-values.ts";
import { createSection, type SettingDeclarations, type SettingValues } from "./setting.ts";
import type { SettingsIssue } from "./settings-error.ts";

const oidc = {
  issuer: {
    schema: Type.Refine(Type.String(), isIssuer),
    allowed: "an https URL without user, query and fragment; http on this machine alone",
    defaultText: "none: people log in by tokens alone",
    description: "OpenID provider by which people log in at the page; its discovery document lies below this address.",
  },
  clientId: {
    schema: Type.String({ pattern: "^[\\x21-\\x7e]+$", maxLength: 500 }),
    allowed: "text without spaces",
    description: "What the provider knows this server by.",
  },
  clientSecretFile: {
    schema: Type.String({ minLength: 1 }),
    allowed: "a path, relative to the working folder or absolute",
    defaultText: "none: Oidc:ClientSecret, or a public client with PKCE alone",
    description: "File with the client's secret alone in it, such as that of a container's secret.",
  },
  scopes: {
    schema: Type.String({ pattern: "^openid( [\\x21\\x23-\\x5b\\x5d-\\x7e]+)*$", maxLength: 1_000 }),
    fallback: "openid profile email",
    allowed: "`openid`, and more behind it, with a space between each",
    description: "What is asked for; some providers give groups for a scope of their own, such as `groups`.",
  },
  roleClaim: {
    schema: Type.String({ pattern: "^\\S+$", maxLength: 200 }),
    fallback: "groups",
    allowed: "a claim's name, within others with dots, such as realm_access.roles",
    description: "Claim of the person whose values give the role; `email` counts only where the provider verified it.",
  },
  roles: {
    schema: Type.Refine(Type.String(), (text) => parseRoleMap(text) !== undefined),
    allowed: roleMapAllowed,
    defaultText: "none: nobody is let in by the provider",
    description: "Which values give which role; of several the one that may most counts.",
  },
  name: {
    schema: Type.String({ pattern: "^[^\\x00-\\x1f\\x7f]{1,60}$" }),
    fallback: "single sign-on",
    allowed: "1 to 60 characters",
    description: "What the button of the login calls the provider.",
  },
  contact: {
    schema: Type.String({ pattern: "^[^\\x00-\\x1f\\x7f]{1,200}$" }),
    allowed: "1 to 200 characters, such as it@example.org",
    description: "Whom somebody without a role is told to ask.",
  },
} as const satisfies SettingDeclarations;

const oidcSecrets = {
  clientSecret: {
    schema: Type.String({ pattern: "^[\\x20-\\x7e]+$", maxLength: 1_000 }),
    allowed: "text",
    secret: true,
    defaultText: "none: Oidc:ClientSecretFile, or a public client with PKCE alone",
    description: "The client's secret.",
  },
} as const satisfies SettingDeclarations;

const environment = (_pascal: string, snake: string) => [`EET_OIDC_${snake}`];

/** Section `Oidc`. */
export const oidcSection = createSection({ section: "Oidc", flag: (kebab) => `oidc-${kebab}`, environment }, oidc);

/** The secret of section `Oidc`: a variable only. */
export const oidcSecretsSection = createSection({ section: "Oidc", isInFile: false, environment }, oidcSecrets);

/** Settings of the login by an OpenID provider, which is off without an issuer. */
export type OidcSettings = Omit<SettingValues<typeof oidc>, "roles"> &
  SettingValues<typeof oidcSecrets> & {
    /** As it is written. */
    readonly roles?: string;
    /** By the values of the claim. */
    readonly roleOfValue: ReadonlyMap<string, Role>;
  };

/** An issue for what an issuer needs and nobody sets. */
export function findMissingOidc(chosen: ReadonlyMap<string, ChosenValue>): readonly SettingsIssue[] {
  if (!chosen.has("Oidc:Issuer") || chosen.has("Oidc:ClientId")) return [];
  const message = "Oidc:ClientId is required while Oidc:Issuer is set: the provider gives it";
  return [{ code: "CONFIG_MISSING", key: "Oidc:ClientId", message }];
}

/** The settings of the login from chosen values in which nothing is missing. */
export function readOidcSettings(chosen: ReadonlyMap<string, ChosenValue>): OidcSettings {
  const settings = { ...readSection(oidcSection, chosen), ...readSection(oidcSecretsSection, chosen) };
  const roleOfValue = (settings.roles && parseRoleMap(settings.roles)) || new Map<string, Role>();
  return { ...settings, roleOfValue };
}

function isIssuer(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || /[\s?#]/.test(text) || url.username !== "" || url.password !== "") return false;
  return (
    url.protocol === "https:" ||
    (url.protocol === "http:" && /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname))
  );
}
