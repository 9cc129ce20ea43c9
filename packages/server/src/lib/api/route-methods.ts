import type { RouteOptions } from "fastify";

interface KnownPath {
  /** Parts between slashes; `:name` stands for any one. */
  readonly parts: readonly string[];
  readonly methods: Set<string>;
}

/** Which methods the paths of a server take: to tell a wrong method from a path that is not there. */
export class RouteMethods {
  readonly #paths = new Map<string, KnownPath>();

  /** Takes a route; to be called for each one. Those with a wildcard are left out: what lies below is not known here. */
  add({ url, method }: Pick<RouteOptions, "url" | "method">): void {
    if (url.includes("*")) return;
    const path = this.#paths.get(url) ?? { parts: url.split("/"), methods: new Set() };
    for (const name of [method].flat()) path.methods.add(name.toUpperCase());
    this.#paths.set(url, path);
  }

  /** Methods that a path takes, in order of their names; none for a path that there is not. */
  of(path: string): readonly string[] {
    const asked = path.split("/");
    const found = [...this.#paths.values()].filter(({ parts }) => matches(parts, asked));
    return [...new Set(found.flatMap(({ methods }) => [...methods]))].sort();
  }
}

function matches(parts: readonly string[], asked: readonly string[]): boolean {
  if (parts.length !== asked.length) return false;
  return parts.every((part, at) => (part.startsWith(":") ? asked[at] !== "" : asked[at] === part));
}
