/** What people and programs may do: each role may all that those before it may. */
export const roles = ["viewer", "operator", "admin"] as const;

/** One of {@link roles}. */
export type Role = (typeof roles)[number];

/** What {@link parseRoleMap} takes, for messages. */
export const roleMapAllowed =
  "values of the claim with their roles, such as `eet-admins=admin; staff=viewer`; `*` stands for everybody the provider lets in";

const maxLength = 4_000;

/**
 * Reads which values of a claim give which role. Values may hold anything but a semicolon: groups of directories have
 * commas and equals signs.
 *
 * @param text - `value=role` joined by semicolons
 * @returns `undefined` for what is none, or names a value twice
 */
export function parseRoleMap(text: string): ReadonlyMap<string, Role> | undefined {
  const map = new Map<string, Role>();
  for (const entry of text.slice(0, maxLength + 1).split(";")) {
    const end = entry.lastIndexOf("=");
    const value = entry.slice(0, Math.max(0, end)).trim();
    const name = entry.slice(end + 1).trim();
    const role = roles.find((known) => known === name);
    if (role === undefined || value === "" || map.has(value)) return undefined;
    map.set(value, role);
  }
  return text.length <= maxLength ? map : undefined;
}
