import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { describe, it } from "node:test";
import {
  allowedImports,
  awaitingRename,
  defaultExports,
  inputOutputExceptions,
  inputOutputModules,
  inputOutputNames,
} from "./support/architecture-rules.ts";
import {
  findCycle,
  parseSourceFile,
  readSourceFiles,
  type SourceFile,
  type SourceImport,
  stripComments,
} from "./support/source-files.ts";

const maxLineCount = 400;
const isTest = ({ path }: SourceFile) => /\.(?:test|test-support)\.ts$/.test(path);

const packageFiles = readSourceFiles("packages/*/src/**/*.{ts,tsx}");
const production = packageFiles.filter((file) => !isTest(file));
const tests = packageFiles.filter(isTest);
const everything = [...packageFiles, ...readSourceFiles("{test,bench,scripts}/**/*.ts")];

/** The room that a file of a package stands in. */
function roomOf(path: string): string {
  const [, packageName = "", rest = ""] = /^packages\/([a-z]+)\/src\/(.+)$/.exec(path) ?? [];
  if (packageName !== "server") return packageName;
  if (rest === "index.ts") return "server entrance";
  if (rest === "main.ts") return "server main";
  if (rest === "api-types.ts") return "server api types";
  const [, room] = /^lib\/([a-z]+)\//.exec(rest) ?? [];
  return room === undefined ? "server wiring" : `server/${room}`;
}

const isSource = ({ target }: SourceImport) => target.startsWith("packages/") && /\.tsx?$/.test(target);

/** Imports that the closed list does not have. */
function findForbiddenImports(files: readonly SourceFile[]): readonly string[] {
  return files.flatMap(({ path, imports }) => {
    const room = roomOf(path);
    const allowed = allowedImports[room];
    if (allowed === undefined) return [`${path} stands in ${room}, a room that the closed list does not have`];
    return imports
      .filter(isSource)
      .filter(({ target }) => ![room, ...allowed].includes(roomOf(target)) && !allowed.includes(target))
      .map(({ target }) => {
        const names = allowed.length === 0 ? "nothing" : allowed.join(", ");
        return `${path} imports ${target}: ${room} may not import ${roomOf(target)} (allowed: ${names})`;
      });
  });
}

/** Tests see all rooms of their package, the packages it may import, and `test/`. */
function findForbiddenTestImports(files: readonly SourceFile[]): readonly string[] {
  return files.flatMap(({ path, imports }) => {
    const own = packageOf(path);
    const allowed = [own, ...packagesOf(own)];
    return imports
      .filter((entry) => isSource(entry) && !allowed.includes(packageOf(entry.target)))
      .map(({ target }) => `${path} imports ${target}: tests of ${own} may import only ${allowed.join(", ")}`);
  });
}

function packageOf(path: string): string {
  return path.split("/")[1] ?? "";
}

/** Packages that any room of a package may import. */
function packagesOf(name: string): readonly string[] {
  const targets = Object.entries(allowedImports)
    .filter(([room]) => room.split(/[ /]/)[0] === name)
    .flatMap(([, allowed]) => allowed.map((room) => room.split(/[ /]/)[0] ?? ""));
  return [...new Set(targets)].filter((other) => other !== name && other !== "packages");
}

/** Modules of others that a package uses without declaring them. */
function findUndeclaredModules(files: readonly SourceFile[]): readonly string[] {
  return files.flatMap(({ path, imports }) => {
    const manifest = JSON.parse(
      readFileSync(new URL(`../packages/${packageOf(path)}/package.json`, import.meta.url), "utf8"),
    );
    return imports
      .filter(({ target }) => !target.startsWith("node:") && !target.includes("packages/"))
      .map(({ target }) => target.split("/", target.startsWith("@") ? 2 : 1).join("/"))
      .filter((name) => !(name in (manifest.dependencies ?? {})))
      .map((name) => `${path} imports ${name}, which is not among the dependencies of packages/${packageOf(path)}`);
  });
}

function graphOf(
  files: readonly SourceFile[],
  nodeOf: (path: string) => string,
  takes: (entry: SourceImport) => boolean,
) {
  const graph = new Map<string, Set<string>>();
  for (const { path, imports } of files) {
    const targets = imports.filter((entry) => isSource(entry) && takes(entry)).map(({ target }) => nodeOf(target));
    const node = nodeOf(path);
    graph.set(node, new Set([...(graph.get(node) ?? []), ...targets.filter((target) => target !== node)]));
  }
  return graph;
}

/** What only a platform has, in packages that run on any. */
function findPlatformUse(files: readonly SourceFile[]): readonly string[] {
  return files.flatMap(({ path, text, imports }) => {
    const modules = imports.map(({ target }) => target).filter((target) => target.startsWith("node:"));
    const globals =
      stripComments(text).match(/\b(?:Buffer|process|require|setTimeout|setInterval|setImmediate)\b/g) ?? [];
    return [...modules, ...globals].map(
      (name) => `${path} uses ${name}: ${roomOf(path)} is pure, it runs on any platform`,
    );
  });
}

function usesInputOutput({ imports }: SourceFile): boolean {
  return imports.some(({ target, isType }) => !isType && inputOutputModules.test(target));
}

function findMisnamedInputOutput(files: readonly SourceFile[]): readonly string[] {
  return files
    .filter((file) => usesInputOutput(file) && !inputOutputNames.test(basename(file.path)))
    .filter(({ path }) => !Object.hasOwn(inputOutputExceptions, path) && !awaitingRename.includes(path))
    .map(({ path, imports }) => {
      const modules = imports.map(({ target }) => target).filter((target) => inputOutputModules.test(target));
      return `${path} imports ${modules.join(", ")}: I/O stands in *-store.ts, *-catalog.ts, segment-file.ts and ws-*.ts`;
    });
}

/** What belongs to the one who runs the process: its settings, streams, signals and end. */
function findProcessUse(files: readonly SourceFile[]): readonly string[] {
  return files
    .filter(({ path }) => !path.endsWith("/main.ts"))
    .flatMap(({ path, text }) => {
      const uses =
        stripComments(text).match(/\bprocess\.(?:env|argv|exit|exitCode|on|once|stdin|stdout|stderr)\b/g) ?? [];
      return uses.map((use) => `${path} uses ${use}: only a main.ts may; pass what is needed`);
    });
}

const secretName = "[\\w.#]*(?:hash|secret|setupcode)\\w*(?:\\([^()]*\\))?";
const secretComparison = new RegExp(
  [
    `${secretName}\\s*[!=]==?(?!=|\\s*(?:undefined|null)\\b)`,
    `(?<![!=]|(?:undefined|null)\\s*)[!=]==?\\s*${secretName}`,
    `${secretName}\\s*\\.(?:equals|compare|localeCompare)\\(`,
    `\\.(?:equals|compare)\\(\\s*${secretName}`,
  ].join("|"),
  "gi",
);

/** Comparisons that tell by their time how much is equal. */
function findSecretComparisons(files: readonly SourceFile[]): readonly string[] {
  return files
    .filter(({ path }) => roomOf(path) === "server/access")
    .flatMap(({ path, text }) => {
      const found = stripComments(text).match(secretComparison) ?? [];
      return found.map((part) => `${path} compares by "${part.trim()}": use isSameHash, which takes as long for all`);
    });
}

const fileName = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.oracle)?(?:\.test|\.test-support)?\.tsx?$/;

describe("architecture", () => {
  it("keeps imports between rooms to the closed list [A-2.1]", () => {
    assert.deepEqual(findForbiddenImports(production), []);
    assert.deepEqual(new Set(production.map(({ path }) => roomOf(path))), new Set(Object.keys(allowedImports)));
  });

  it("keeps tests to their package and those it may import", () => {
    assert.deepEqual(findForbiddenTestImports(tests), []);
  });

  it("has no production file that imports a test's", () => {
    const reversed = production.flatMap(({ path, imports }) =>
      imports
        .filter(({ target }) => /\.test(?:-support)?\.ts$|^test\//.test(target))
        .map(({ target }) => `${path} imports ${target}`),
    );
    assert.deepEqual(reversed, []);
  });

  it("has no cycle between rooms, types included, nor between files at run time [A-2.1]", () => {
    assert.equal(findCycle(graphOf(production, roomOf, () => true))?.join(" > "), undefined);
    assert.equal(
      findCycle(
        graphOf(
          packageFiles,
          (path) => path,
          ({ isType }) => !isType,
        ),
      )?.join(" > "),
      undefined,
    );
  });

  it("takes nothing but types from the server into the web page [A-2.1]", () => {
    const page = production.filter(({ path }) => roomOf(path) === "dashboard").flatMap(({ imports }) => imports);
    assert.ok(page.every(({ target, isType }) => isType || !target.startsWith("packages/server/")));
  });

  it("declares every module that a package takes from others", () => {
    assert.deepEqual(findUndeclaredModules(production), []);
  });

  it("keeps protocol and audio pure [A-2]", () => {
    assert.deepEqual(
      findPlatformUse(production.filter(({ path }) => ["protocol", "audio"].includes(roomOf(path)))),
      [],
    );
  });

  it("keeps Node I/O in files named for it [A-2.3]", () => {
    assert.deepEqual(findMisnamedInputOutput(production), []);
    const needless = [...Object.keys(inputOutputExceptions), ...awaitingRename].filter(
      (path) => !production.some((file) => file.path === path && usesInputOutput(file)),
    );
    assert.deepEqual(needless, [], "exceptions that no file needs any more");
  });

  it("lets only main.ts touch environment, arguments, signals, streams and exit [A-2]", () => {
    assert.deepEqual(findProcessUse(production), []);
  });

  it("compares hashes and secrets in a time that tells nothing", () => {
    assert.deepEqual(findSecretComparisons(production), []);
    const { text = "" } = production.find(({ path }) => path.endsWith("/server/src/lib/access/token.ts")) ?? {};
    assert.match(text, /function isSameHash\([^}]*&& timingSafeEqual\(one, other\);/);
  });

  it("has files of at most 400 lines with names in kebab-case and no default exports [A-4]", () => {
    const tooLong = everything
      .map(({ path, text }) => ({ path, lineCount: text.split("\n").length - 1 }))
      .filter(({ lineCount }) => lineCount > maxLineCount);
    assert.deepEqual(tooLong, []);
    assert.deepEqual(
      everything.map(({ path }) => path).filter((path) => !fileName.test(basename(path))),
      [],
    );
    const withDefault = everything.filter(({ text }) => /^export (?:default\b|\{[^}]*\bas default\b)/m.test(text));
    assert.deepEqual(
      withDefault.map(({ path }) => path),
      defaultExports,
    );
  });
});

describe("architecture's checks", () => {
  const file = (path: string, text: string) => parseSourceFile(`packages/${path}`, text);

  it("tell in one line what is wrong and what is allowed", () => {
    const intake = file("server/src/lib/recording/intake.ts", 'import { Catalog } from "../catalog/catalog.ts";\n');
    assert.deepEqual(findForbiddenImports([intake]), [
      "packages/server/src/lib/recording/intake.ts imports packages/server/src/lib/catalog/catalog.ts: " +
        "server/recording may not import server/catalog (allowed: server/kernel, server/storage, protocol)",
    ]);
  });

  it("see imports of every form", () => {
    const text = [
      'import type { Frame } from "@eet/protocol";',
      'import fs, { type Stats } from "node:fs";',
      'import {\n  a,\n  b,\n} from "./a.ts";',
      'import * as all from "../all.ts";',
      'import "./effect.ts";',
      'export { b } from "./b.ts";',
      'export * from "./c.ts";',
      'const lazy = await import("ws");',
      '// import { x } from "./comment.ts";',
    ].join("\n");
    assert.deepEqual(
      file("audio/src/lib/x.ts", text).imports.map(({ target, isType }) => `${isType ? "type " : ""}${target}`),
      [
        "type packages/protocol/src/index.ts",
        "node:fs",
        "packages/audio/src/lib/a.ts",
        "packages/audio/src/all.ts",
        "packages/audio/src/lib/effect.ts",
        "packages/audio/src/lib/b.ts",
        "packages/audio/src/lib/c.ts",
        "ws",
      ],
    );
  });

  it("refuse what each rule forbids", () => {
    const server = file("server/src/lib/server.ts", 'import { connect } from "@eet/client";\nprocess.exit(1);\n');
    assert.match(findForbiddenImports([server])[0] ?? "", /server wiring may not import client/);
    assert.match(
      findForbiddenTestImports([server])[0] ?? "",
      /tests of server may import only server, protocol, audio$/,
    );
    assert.match(findProcessUse([server])[0] ?? "", /uses process\.exit: only a main\.ts may/);
    const frame = file("protocol/src/lib/frame.ts", 'import { join } from "node:path";\nBuffer.alloc(1); // process\n');
    assert.deepEqual(
      findPlatformUse([frame]).map((line) => line.split(" uses ")[1]?.split(":")[0]),
      ["node", "Buffer"],
    );
    const reader = file("server/src/lib/finishing/reader.ts", 'import { openSync } from "node:fs";\n');
    assert.match(findMisnamedInputOutput([reader])[0] ?? "", /reader\.ts imports node:fs: I\/O stands in \*-store\.ts/);
    const book = file(
      "server/src/lib/access/book.ts",
      "a.hash === b; a === hashOf(c); x.secretHash.equals(y); z.equals(token.hash); this.#setupCode !== code;\n" +
        "if (secret === undefined || undefined !== secret) {} // a.hash === b\n",
    );
    assert.deepEqual(
      findSecretComparisons([book]).map((line) => line.split('"')[1]),
      ["a.hash ===", "=== hashOf(c)", "x.secretHash.equals(", ".equals(token.hash", "this.#setupCode !=="],
    );
    const table = file("client/src/lib/table.ts", 'import Type from "typebox/value";\n');
    assert.match(findUndeclaredModules([table])[0] ?? "", /imports typebox, which is not among/);
  });
});
