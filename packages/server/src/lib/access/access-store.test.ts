import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import Database from "better-sqlite3";
import { AccessStore, type StoredToken } from "./access-store.ts";

const day = 86_400_000;

function makeToken(name: string, expiresMs: number | null): StoredToken {
  return {
    ...{ id: `d-${name}`, kind: "device", name, hash: Buffer.alloc(32, name), hwidPattern: "*", role: null },
    ...{ createdMs: day, expiresMs, lastUsedMs: null, revokedMs: null },
    lifetimeMs: expiresMs === null ? null : expiresMs - day,
  };
}

describe("AccessStore", () => {
  it("knows for how long a token was made, also of the file of an earlier version, whatever its end is now", async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "eet-access-"));
    t.after(() => rm(folder, { recursive: true }));
    const path = join(folder, "access.db");
    const before = AccessStore.open(path);
    before.add(makeToken("a", 8 * day));
    before.add(makeToken("b", null));
    before.close();
    const old = new Database(path);
    old.exec("ALTER TABLE token DROP COLUMN lifetime_ms");
    old.close();
    const store = AccessStore.open(path);
    store.replace("d-a", makeToken("c", 9 * day), 2 * day);
    store.replace("d-b", makeToken("d", null), 2 * day);
    const found = store.list().map(({ name, expiresMs, lifetimeMs }) => [name, expiresMs, lifetimeMs]);
    store.close();
    assert.deepEqual(found, [
      ["a", 2 * day, 7 * day],
      ["b", 2 * day, null],
      ["c", 9 * day, 8 * day],
      ["d", null, null],
    ]);
  });
});
