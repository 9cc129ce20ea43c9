import type { PeopleRoles } from "./access.ts";
import type { Person } from "./session-store.ts";
import { includesRole, type Role } from "./token.ts";

/** Stands for everybody whom the provider lets in. */
const everybody = "*";
/** Values of a claim that are looked at, and characters of each. */
const maxValueCount = 1_000;
const maxValueLength = 500;

export interface OidcRolesOptions {
  readonly issuer: string;
  /** By the values of a claim. */
  readonly roleOfValue: ReadonlyMap<string, Role>;
}

/** Derives roles of people from what an OpenID provider says of them. */
export class OidcRoles implements PeopleRoles {
  readonly #options: OidcRolesOptions;

  constructor(options: OidcRolesOptions) {
    this.#options = options;
  }

  get grantsAdmin(): boolean {
    return [...this.#options.roleOfValue.values()].includes("admin");
  }

  narrow(person: Person): Person {
    return { ...person, groups: person.groups.filter((value) => this.#options.roleOfValue.has(value)) };
  }

  roleOf({ issuer, groups }: Person): Role | undefined {
    if (issuer !== this.#options.issuer) return undefined;
    const found = [...groups, everybody].flatMap((value) => this.#options.roleOfValue.get(value) ?? []);
    return found.reduce<Role | undefined>(
      (best, role) => (best !== undefined && includesRole(best, role) ? best : role),
      undefined,
    );
  }
}

/** What a provider says of a person. */
export type Claims = Readonly<Record<string, unknown>>;

/**
 * The values of a claim: a text, or those of a list.
 *
 * @param name - of the claim, or a path with dots to one within others
 * @returns `undefined` where the provider says nothing
 */
export function readClaim(claims: Claims, name: string): readonly string[] | undefined {
  const value = Object.hasOwn(claims, name) ? claims[name] : readPath(claims, name.split("."));
  if (value === undefined || value === null) return undefined;
  // Anybody may say of themselves to have an address.
  if (name === "email" && claims["email_verified"] !== true) return [];
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values
    .slice(0, maxValueCount)
    .filter((text): text is string => typeof text === "string" && text.length <= maxValueLength && text !== everybody);
}

/** What a person is called in lists: as the provider calls them, without line breaks. */
export function readName(claims: Claims): string {
  const names = ["preferred_username", "email", "name", "sub"].map((name) => claims[name]);
  const [name = ""] = names.filter((text): text is string => typeof text === "string" && text.trim() !== "");
  return name
    .replaceAll(/\p{Cc}/gu, " ")
    .trim()
    .slice(0, 100);
}

function readPath(claims: Claims, path: readonly string[]): unknown {
  let value: unknown = claims;
  for (const name of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
    value = Reflect.get(value, name);
  }
  return value;
}
