import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { parseEnv } from "node:util";
import { loadSettings } from "./load-settings.ts";
import { allSettings } from "./settings.ts";
import { formatSettingsTables, listSettingFlags } from "./settings-table.ts";

const readRootFile = (path: string) => readFile(new URL(`../../../../../${path}`, import.meta.url), "utf8");

describe("formatSettingsTables", () => {
  it("is what docs/configuration.md shows", async () => {
    const page = await readRootFile("docs/configuration.md");
    const [, tables] = page.split(/<!-- settings: (?:begin|end) -->\n/);
    assert.equal(tables, formatSettingsTables());
  });

  it("names every setting by all of its names", () => {
    const tables = formatSettingsTables();
    for (const { key, isInFile, environment, variables = {}, flag } of allSettings) {
      const names = [
        ...environment,
        ...Object.values(variables),
        ...(isInFile ? [key] : []),
        ...(flag ? [`--${flag}`] : []),
      ];
      for (const name of names) assert.ok(tables.includes(`\`${name}\``), name);
    }
  });

  it("keeps cells free of what would break a row", () => {
    for (const row of formatSettingsTables().split("\n")) {
      const cells = row.split(" | ").join("");
      assert.ok(row === "" || row.startsWith("### ") || /^\| [^|]* \|$/.test(cells), row);
    }
  });
});

describe("docs/configuration.md", () => {
  it("has examples that load", async () => {
    const page = await readRootFile("docs/configuration.md");
    const blocks = [...page.matchAll(/```(ini|json)\n(.*?)```/gs)].map(([, kind, text = ""]) => ({ kind, text }));
    assert.ok(blocks.length >= 5);
    for (const { kind, text } of blocks)
      loadSettings({ coreCount: 2, ...(kind === "json" ? { appsettings: text } : { dotenv: parseEnv(text) }) });
  });
});

describe("the example files", () => {
  it("load, and show nothing but defaults where they set server settings", async () => {
    const appsettings = await readRootFile("appsettings.example.json");
    const { settings } = loadSettings({
      coreCount: 2,
      appsettings,
      dotenv: parseEnv(await readRootFile(".env.example")),
    });
    assert.deepEqual(settings.server, loadSettings({ coreCount: 2 }).settings.server);
    assert.equal(settings.s3.enabled, false);
  });

  it("load with every commented variable switched on", async () => {
    const text = (await readRootFile(".env.example")).replace(/^# ?(?=[A-Z][\w]*=)/gm, "");
    const variables = parseEnv(text);
    assert.ok("S3_ENABLED" in variables && "SCW_ACCESS_KEY" in variables && "AWS_PROFILE" in variables);
    assert.equal(loadSettings({ coreCount: 2, dotenv: variables }).settings.s3.enabled, true);
  });
});

describe("listSettingFlags", () => {
  it("describes every flag for the parser and for help", () => {
    const flags = listSettingFlags();
    assert.deepEqual(
      flags.map(({ name }) => name),
      allSettings.flatMap(({ flag }) => (flag === undefined ? [] : [flag])),
    );
    assert.deepEqual(
      flags.find(({ name }) => name === "wav"),
      {
        name: "wav",
        type: "boolean",
        description: "Derives a WAV from each closed segment.",
        allowed: "true, false",
        defaultText: "true",
      },
    );
    assert.equal(flags.find(({ name }) => name === "rotate-s")?.type, "string");
  });
});
