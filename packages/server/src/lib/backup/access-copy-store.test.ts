import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { appendFile, chmod, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { OpenServer } from "../../../../../test/support/open-server.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../../../../../test/support/temporary-folder.ts";
import { openTokenBook, type TokenBook } from "../guarding.ts";
import { systemClock } from "../kernel/clock.ts";
import { silentLog } from "../kernel/log.ts";
import { backUp, restoreBackup } from "./backup-store.ts";

describe("copyAccess", () => {
  let folder: TemporaryFolder;
  let book: TokenBook;
  let server: OpenServer;
  let admin: string;
  const inside = (...names: string[]) => join(folder.path, ...names);
  const watch = { onProgress: () => {}, signal: new AbortController().signal };
  const openBook = (name: string) => openTokenBook(inside(name), { clock: systemClock, log: silentLog });
  const backUpNow = () => backUp({ dataFolder: inside("data"), target: inside("backup"), ...watch });
  before(async () => {
    folder = await makeTemporaryFolder();
    book = openBook("data");
    admin = book.create({ kind: "api", name: "ann", role: "admin" }).secret;
    server = await OpenServer.open(folder.path, {});
    await logIn();
    await backUpNow();
  });
  after(async () => {
    book.close();
    await server.close();
    await folder[Symbol.asyncDispose]();
  });

  async function logIn(): Promise<string> {
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ token: admin });
    const response = await fetch(`http://127.0.0.1:${server.port}/api/v1/login`, { method: "POST", headers, body });
    assert.equal(response.status, 204);
    return response.headers.get("set-cookie")?.split(";", 1)[0] ?? "";
  }

  it("takes tokens along while a server runs, as one file that nobody else may read, without the logins", async () => {
    assert.equal((await stat(inside("backup", "access.db"))).mode & 0o777, 0o600);
    const copied = openBook("backup");
    assert.equal(copied.find(admin)?.name, "ann");
    copied.close();
    const names = (await readdir(inside("backup"))).filter((name) => name.startsWith("access.db."));
    assert.deepEqual(names, []);
  });

  it("takes the audit log along, whole lines of it, and what comes later with the next run", async () => {
    const [log, copy] = [inside("data", "audit", "audit.jsonl"), inside("backup", "audit", "audit.jsonl")];
    assert.equal((await stat(inside("backup", "audit"))).mode & 0o777, 0o700);
    assert.equal((await stat(copy)).mode & 0o777, 0o600);
    const aside = "audit-2026-01-01T00-00-00-000Z.jsonl";
    await writeFile(inside("data", "audit", aside), "{}\n");
    await chmod(inside("backup", "audit"), 0o755);
    const before = await readFile(log, "utf8");
    await appendFile(log, '{"time":"');
    await backUpNow();
    assert.equal(await readFile(copy, "utf8"), before);
    assert.equal((await stat(inside("backup", "audit"))).mode & 0o777, 0o700);
    assert.equal(await readFile(inside("backup", "audit", aside), "utf8"), "{}\n");
    await appendFile(log, '"}\n');
    await backUpNow();
    assert.equal(await readFile(copy, "utf8"), await readFile(log, "utf8"));
  });

  it("restores both for their owner alone: tokens are good, who was logged in has to log in again", async () => {
    const cookie = await logIn();
    await backUpNow();
    await restoreBackup({ source: inside("backup"), dataFolder: inside("restored"), ...watch });
    for (const [name, mode] of [
      ["access.db", 0o600],
      ["audit", 0o700],
      ["audit/audit.jsonl", 0o600],
    ] as const) {
      assert.equal((await stat(inside("restored", name))).mode & 0o777, mode, name);
    }
    await using restored = await OpenServer.open(folder.path, { data: inside("restored") });
    const ask = (headers: Readonly<Record<string, string>>) =>
      fetch(`http://127.0.0.1:${restored.port}/api/v1/tokens`, { headers });
    assert.equal((await ask({ authorization: `Bearer ${admin}` })).status, 200);
    assert.equal((await ask({ cookie })).status, 401);
  });

  it("leaves out what the data folder has not any more, and fails for tokens that are damaged", async () => {
    const { dataFolder, target } = { dataFolder: inside("other"), target: inside("other-backup") };
    await (await OpenServer.open(folder.path, { data: dataFolder })).close();
    await mkdir(target);
    await backUp({ dataFolder, target, ...watch });
    assert.equal(existsSync(join(target, "access.db")), false);
    await writeFile(join(dataFolder, "access.db"), "no database at all".repeat(100));
    await assert.rejects(backUp({ dataFolder, target, ...watch }), { code: "ACCESS_UNREADABLE" });
    await rm(join(dataFolder, "access.db"));
    await backUp({ dataFolder, target, ...watch });
  });
});
