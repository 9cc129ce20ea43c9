import { globSync, readFileSync } from "node:fs";
import { basename, posix } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** One import or re-export of a file. */
export interface SourceImport {
  /** Path from the repository's root for own files (`@eet/x` is its entrance), else the module's name. */
  readonly target: string;
  /** True for `import type`, which is gone at run time. */
  readonly isType: boolean;
}

/** A TypeScript file of this repository. */
export interface SourceFile {
  /** From the repository's root, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly SourceImport[];
}

/** Reads the files that the patterns name, in the order of their paths. */
export function readSourceFiles(...patterns: readonly string[]): readonly SourceFile[] {
  return globSync(patterns, { cwd: root, exclude: (name) => basename(name) === "node_modules" })
    .map((path) => path.replaceAll("\\", "/"))
    .sort()
    .map((path) => parseSourceFile(path, readFileSync(`${root}/${path}`, "utf8")));
}

/** Finds a file's imports; the formatter's style is taken for granted. */
export function parseSourceFile(path: string, text: string): SourceFile {
  const imports = [...text.matchAll(importStatement)].map(({ groups = {} }) => {
    const specifier = groups["from"] ?? groups["dynamic"] ?? "";
    return { target: resolveTarget(path, specifier), isType: groups["type"] !== undefined };
  });
  return { path, text, imports };
}

const importStatement =
  /^(?:import|export)\s+(?<type>type\s+)?(?:[\w$*\s]*,?\s*(?:\{[^}]*\})?\s*from\s+)?"(?<from>[^"]+)"|\bimport\("(?<dynamic>[^"]+)"\)/gm;

function resolveTarget(path: string, specifier: string): string {
  if (specifier.startsWith(".")) return posix.join(posix.dirname(path), specifier);
  const [, name, entrance = "index"] = /^@eet\/([a-z]+)(?:\/([a-z-]+))?$/.exec(specifier) ?? [];
  return name === undefined ? specifier : `packages/${name}/src/${entrance}.ts`;
}

/** The text without its comments: what is left of a line that says something. */
export function stripComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/(^|\s)\/\/.*$/gm, "$1");
}

/**
 * Looks for a way that comes back to where it began.
 *
 * @returns its nodes, the first one again at the end; `undefined` when there is none
 */
export function findCycle(graph: ReadonlyMap<string, ReadonlySet<string>>): readonly string[] | undefined {
  const finished = new Set<string>();
  const visit = (node: string, way: readonly string[]): readonly string[] | undefined => {
    if (way.includes(node)) return [...way.slice(way.indexOf(node)), node];
    if (finished.has(node)) return undefined;
    for (const next of graph.get(node) ?? []) {
      const cycle = visit(next, [...way, node]);
      if (cycle !== undefined) return cycle;
    }
    finished.add(node);
    return undefined;
  };
  for (const node of graph.keys()) {
    const cycle = visit(node, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
