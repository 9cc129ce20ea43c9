import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { MemoryLog } from "../kernel/memory-log.test-support.ts";
import { AuditLog } from "./audit-store.ts";

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "eet-audit-"));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

describe("AuditLog", () => {
  it("appends a line for each act, in their order, behind those of earlier runs", async (t) => {
    const folder = join(await folderOf(t), "audit");
    for (const run of [1, 2]) {
      const audit = new AuditLog({ folder, wallMs: () => 1_700_000_000_000, log: new MemoryLog() });
      void audit.note({ act: "login", who: `admin ${run}` });
      await audit.note({ act: "token.revoked", who: `admin ${run}`, facts: { token: "d-1" } });
      await audit.close();
    }
    const path = join(folder, "audit.jsonl");
    const lines = (await readFile(path, "utf8"))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      lines.map(({ act, who }) => `${who} ${act}`),
      ["admin 1 login", "admin 1 token.revoked", "admin 2 login", "admin 2 token.revoked"],
    );
    assert.deepEqual(lines[1], {
      ...{ time: "2023-11-14T22:13:20.000Z", act: "token.revoked", who: "admin 1", facts: { token: "d-1" } },
    });
    assert.equal((await stat(path)).mode & 0o777, 0o600);
  });

  it("puts a full file aside and keeps the last 20", async (t) => {
    const folder = await folderOf(t);
    let nowMs = 1_700_000_000_000;
    const wallMs = () => (nowMs += 1_000);
    const audit = new AuditLog({ folder, wallMs, log: new MemoryLog(), maxFileBytes: 10 });
    for (let act = 0; act < 23; act++) await audit.note({ act: `act ${act}`, who: "admin" });
    const names = (await readdir(folder)).sort();
    assert.equal(names.length, 20);
    assert.match(await readFile(join(folder, names[0] ?? ""), "utf8"), /"act 3"/);
    assert.match(await readFile(join(folder, names[19] ?? ""), "utf8"), /"act 22"/);
  });

  it("holds no more lines than are allowed while it writes, and tells how many it left out", async (t) => {
    const folder = await folderOf(t);
    const log = new MemoryLog();
    const audit = new AuditLog({ folder, wallMs: () => 0, log, maxWaitingCount: 5 });
    for (let act = 0; act < 20; act++) void audit.note({ act: `act ${act}`, who: "admin" });
    await audit.close();
    await audit.note({ act: "later", who: "admin" });
    const lines = (await readFile(join(folder, "audit.jsonl"), "utf8")).trim().split("\n");
    assert.deepEqual(
      lines.map((line) => JSON.parse(line)).map(({ act, facts }) => (facts === undefined ? act : [act, facts.count])),
      ["act 0", "act 1", "act 2", "act 3", "act 4", ["audit.left-out", 15], "later"],
    );
    assert.deepEqual(
      log.at("error").map(({ message, fields }) => [message, fields["count"]]),
      [["lines left out of the audit log: more came than the disk takes", 15]],
    );
  });

  it("goes on without what cannot be written, and says so", async (t) => {
    const log = new MemoryLog();
    const path = join(await folderOf(t), "file");
    const audit = new AuditLog({ folder: join(path, "\0"), wallMs: () => 0, log });
    await audit.note({ act: "login", who: "admin" });
    assert.equal(log.lines.filter(({ message }) => message === "audit log not written").length, 1);
  });
});
