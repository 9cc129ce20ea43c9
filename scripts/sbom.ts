// `npm run sbom`: what an installed server is made of, as CycloneDX on standard output: @eet/cli and all that it needs, in the
// versions of package-lock.json. `npm sbom --omit=dev` cannot be trusted with it: it leaves out whatever tools of
// development need, too (npm 11.19 leaves out ajv).
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
/** What is installed first. */
const entrance = "@eet/cli";
const maxBytes = 64 * 2 ** 20;

interface Bom {
  readonly components: readonly { readonly "bom-ref": string }[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
  readonly metadata: { readonly component: object };
}

const text = execFileSync("npm", ["sbom", "--sbom-format=cyclonedx", "--package-lock-only"], {
  cwd: root,
  encoding: "utf8",
  maxBuffer: maxBytes,
  stdio: ["ignore", "pipe", "ignore"],
});
const all: Bom = JSON.parse(text);
const needed = reach(all);
const component = all.components.find((each) => isEntrance(each["bom-ref"])) ?? all.metadata.component;
const bom = {
  ...all,
  metadata: { ...all.metadata, component },
  components: all.components.filter((each) => each !== component && needed.has(each["bom-ref"])),
  dependencies: all.dependencies
    .filter(({ ref }) => needed.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((other) => needed.has(other)) })),
};
process.stdout.write(`${JSON.stringify(bom, null, 2)}\n`);

function isEntrance(ref: string): boolean {
  return ref.startsWith(`${entrance}@`);
}

/** References of the entrance and of all that it needs, at whatever depth. */
function reach({ dependencies }: Bom): ReadonlySet<string> {
  const edges = new Map(dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
  const start = dependencies.map(({ ref }) => ref).filter(isEntrance);
  const reached = new Set(start);
  for (const ref of reached) for (const other of edgesOf(ref, edges.get(ref) ?? [])) reached.add(other);
  return reached;
}

/** Of packages of this repository npm lists the tools of their development among what they depend on. */
function edgesOf(ref: string, dependsOn: readonly string[]): readonly string[] {
  const own = /^@eet\/([a-z]+)@/.exec(ref)?.[1];
  if (own === undefined) return dependsOn;
  const manifest = JSON.parse(readFileSync(`${root}/packages/${own}/package.json`, "utf8"));
  const names = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });
  return dependsOn.filter((other) => names.includes(other.slice(0, other.lastIndexOf("@"))));
}
