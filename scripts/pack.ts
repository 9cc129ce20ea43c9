// `npm run pack:all [-- FOLDER]`: builds the public packages and packs them, as they are published, into FOLDER (default:
// dist). Inside of this repository they run as TypeScript; Node does not strip types below node_modules, so what is
// published is JavaScript with declarations, under a manifest that says so.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Packages that are published, dependencies first. */
export const publicPackages = ["protocol", "audio", "client", "server", "cli"] as const;
export type PublicPackage = (typeof publicPackages)[number];

/** What goes along with the code: from the repository, into the package. */
const companions: Readonly<Partial<Record<PublicPackage, Readonly<Record<string, string>>>>> = {
  server: { "packages/server/page": "page" },
  cli: {
    "data/sine_pcm16.wav": "recordings/sine_pcm16.wav",
    "data/speech_16k.wav": "recordings/speech_16k.wav",
    "data/README.md": "recordings/README.md",
  },
};

type Exports = string | { readonly [condition: string]: Exports };

interface Manifest {
  readonly name: string;
  readonly exports?: Readonly<Record<string, Exports>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/** The manifest that is published: it leads to what was built. */
export function publishedManifest(manifest: Manifest): Manifest {
  const { scripts: _scripts, devDependencies: _devDependencies, exports = {}, bin, ...rest } = manifest;
  const entries = Object.entries(exports).map(([path, target]) => [path, builtTarget(target)] as const);
  return {
    ...rest,
    ...(bin && { bin: Object.fromEntries(Object.entries(bin).map(([name, path]) => [name, builtPath(path, "js")])) }),
    exports: { ...Object.fromEntries(entries), "./package.json": "./package.json" },
  };
}

function builtTarget(target: Exports): Exports {
  if (typeof target === "string") return { types: builtPath(target, "d.ts"), default: builtPath(target, "js") };
  return Object.fromEntries(Object.entries(target).map(([condition, inner]) => [condition, builtTarget(inner)]));
}

function builtPath(source: string, ending: string): string {
  return source.replace(/^\.\/src\//, "./dist/").replace(/\.ts$/, `.${ending}`);
}

/**
 * Packs every public package.
 *
 * @param folder - made when it is missing
 * @returns the tarballs' paths
 */
export function packAll(folder: string): readonly string[] {
  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(join(tmpdir(), "eet-pack-"));
  try {
    const built = join(work, "built");
    const compiler = join(root, "node_modules/typescript/bin/tsc");
    execFileSync(process.execPath, [compiler, "-p", "tsconfig.pack.json", "--outDir", built], {
      cwd: root,
      stdio: "inherit",
    });
    rewriteDeclarations(built);
    return publicPackages.map((name) => packOne(name, join(built, name, "src"), join(work, "staged", name), folder));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The compiler rewrites the endings of imports in code only. */
function rewriteDeclarations(folder: string): void {
  for (const path of globSync("**/*.d.ts", { cwd: folder })) {
    const text = readFileSync(join(folder, path), "utf8");
    writeFileSync(join(folder, path), text.replaceAll(/((?:from|import\() ?"\.[^"]+)\.ts"/g, '$1.js"'));
  }
}

function packOne(name: PublicPackage, built: string, staged: string, folder: string): string {
  const source = join(root, "packages", name);
  mkdirSync(staged, { recursive: true });
  cpSync(built, join(staged, "dist"), { recursive: true });
  const manifest = publishedManifest(JSON.parse(readFileSync(join(source, "package.json"), "utf8")));
  writeFileSync(join(staged, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  cpSync(join(root, "LICENSE"), join(staged, "LICENSE"));
  cpSync(join(source, "README.md"), join(staged, "README.md"));
  for (const [from, to] of Object.entries(companions[name] ?? {})) copyCompanion(join(root, from), join(staged, to));
  // The manifest has no scripts, so that npm runs none.
  const answer = execFileSync("npm", ["pack", "--json", "--loglevel=error", "--pack-destination", folder], {
    cwd: staged,
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  // npm 11 gives a list, later ones an object by name.
  const packed: unknown = JSON.parse(answer);
  const [first] = Object.values(packed as Readonly<Record<string, { readonly filename: string }>>);
  if (first === undefined) throw new Error(`npm pack said nothing of ${name}: ${answer}`);
  return join(folder, first.filename);
}

function copyCompanion(from: string, to: string): void {
  if (!existsSync(from)) throw new Error(`${relative(root, from)} is missing: \`npm run setup\` builds it`);
  mkdirSync(dirname(to), { recursive: true });
  // What begins with a dot is the build's own.
  cpSync(from, to, { recursive: true, filter: (path) => !/[\\/]\.[^\\/]+$/.test(path) });
}

if (import.meta.main) {
  for (const path of packAll(resolve(process.argv[2] ?? join(root, "dist"))))
    console.log(relative(process.cwd(), path));
}
