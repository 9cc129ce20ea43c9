import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { readConfigFiles, readSettings } from "./config-store.ts";
import { SettingsError } from "./settings-error.ts";

let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "eet-config-"));
});

afterEach(() => rm(folder, { recursive: true }));

const write = (name: string, content: string | Uint8Array) => writeFile(join(folder, name), content);

describe("readConfigFiles", () => {
  it("takes missing files for empty ones", async () => {
    assert.deepEqual({ ...(await readConfigFiles(folder)) }, { dotenv: {}, appsettings: undefined });
  });

  it("reads quotes, comments, export and Windows line ends in .env", async () => {
    await write(".env", '\ufeff# store\r\nexport A=1\r\nB="two # 2"\r\nC=three # 3\r\nD=\r\n');
    const { dotenv } = await readConfigFiles(folder);
    const trimmed = Object.entries(dotenv ?? {}).map(([name, value]) => [name, value?.trim()]);
    assert.deepEqual(trimmed, [
      ["A", "1"],
      ["B", "two # 2"],
      ["C", "three"],
      ["D", ""],
    ]);
  });

  it("leaves the process's environment alone", async () => {
    const before = { ...process.env };
    await write(".env", "AWS_PROFILE=from-file\nEET_PORT=1\n");
    await readConfigFiles(folder);
    assert.deepEqual({ ...process.env }, before);
  });

  it("refuses a file that it cannot read or that is not UTF-8", async () => {
    await mkdir(join(folder, ".env"));
    await assert.rejects(readConfigFiles(folder), (error) => {
      assert.ok(error instanceof SettingsError);
      assert.equal(error.issues[0]?.code, "CONFIG_BAD_FILE");
      assert.match(error.message, /\.env in .* cannot be read: EISDIR/);
      return true;
    });
    await rm(join(folder, ".env"), { recursive: true });
    await write("appsettings.json", Uint8Array.of(0xff, 0xfe, 0x7b, 0x00));
    await assert.rejects(readConfigFiles(folder), /appsettings\.json in .* cannot be read/);
  });
});

describe("readSettings", () => {
  it("puts the files under the flags and the environment", async () => {
    await write(".env", "EET_PORT=2\nEET_HOST=::1\nEET_DATA=from-dotenv\n");
    await write(
      "appsettings.json",
      '\ufeff{"Server": {"Port": 1, "Host": "localhost", "Data": "from-file", "RotateS": 5}}',
    );
    const { settings } = await readSettings(folder, { flags: { data: "from-flag" }, environment: { EET_PORT: "3" } });
    const { port, host, data, rotateS, finishWorkers } = settings.server;
    assert.deepEqual([port, host, data, rotateS], [3, "::1", "from-flag", 5]);
    assert.ok(finishWorkers >= 1);
  });

  it("tells the place of a fault in appsettings.json", async () => {
    await write("appsettings.json", '{\n  "Server": {\n    "Port": 5096,\n  }\n}\n');
    await assert.rejects(readSettings(folder, {}), /appsettings\.json, line 4, column 3: expected string, found "}"/);
  });
});
