import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { load } from "../../../../test/support/settings-layers.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../../../../test/support/temporary-folder.ts";
import { diagnoseAccess } from "./diagnose-access.ts";
import { openTokenBook, type TokenBook } from "./guarding.ts";
import { systemClock } from "./kernel/clock.ts";
import { silentLog } from "./kernel/log.ts";

const dayMs = 24 * 3_600_000;

describe("diagnoseAccess", () => {
  let folder: TemporaryFolder;
  before(async () => {
    folder = await makeTemporaryFolder();
  });
  after(() => folder[Symbol.asyncDispose]());

  /** What is found, as `status: message`, in a data folder of its own. */
  function find(name: string, flags: Readonly<Record<string, string>> = {}): string {
    const { status, message } = diagnoseAccess(load({ flags }).settings, join(folder.path, name), systemClock);
    return `${status}: ${message}`;
  }
  function make(name: string, work: (book: TokenBook) => void): void {
    const book = openTokenBook(join(folder.path, name), { clock: systemClock, log: silentLog });
    work(book);
    book.close();
  }

  it("tells how open a server without tokens is", () => {
    assert.match(find("none"), /^ok: no token was ever made: open to every program of this machine$/);
    assert.match(find("none", { host: "0.0.0.0" }), /^error: --host 0\.0\.0\.0 .*does not start without a token$/);
    assert.match(find("none", { host: "0.0.0.0", "insecure-open": "true" }), /^warning: INSECURE: everybody/);
    const oidc = { host: "0.0.0.0", "oidc-issuer": "https://login.example.org", "oidc-client-id": "eet" };
    assert.match(find("none", oidc), /^warning: people log in by https:\/\/login\.example\.org; there is no token/);
  });

  it("counts tokens, and warns where none is an admin's, where one ends soon, where others may read them", async () => {
    make("some", (book) => book.create({ kind: "device", name: "attic", hwidPattern: "attic" }));
    assert.match(find("some"), /^warning: .*: 1 \(0 of admins, 0 of other .*, 1 of devices\); .*nobody can administer/);
    make("some", (book) => book.create({ kind: "api", name: "ann", role: "admin" }));
    assert.match(find("some"), /^ok: tokens that are good: 2 \(1 of admins, .*; past their time: 0; revoked: 0$/);
    await chmod(join(folder.path, "some", "access.db"), 0o644);
    assert.match(find("some"), /^warning: others than its owner may read or write /);
    make("some", (book) => book.create({ kind: "device", name: "shed", hwidPattern: "shed", lifetimeMs: dayMs }));
    assert.match(find("some"), /^warning: .*within a week end d-[0-9a-f]{12} \(shed\)$/);
  });

  it("finds that nobody is let in, and tokens that cannot be read", async () => {
    make("over", (book) => {
      book.create({ kind: "api", name: "", role: "admin", lifetimeMs: -dayMs });
      book.revoke(book.create({ kind: "api", name: "", role: "admin" }).token.id);
    });
    assert.match(find("over"), /^error: .*good: 0 .*past their time: 1; revoked: 1: nobody is let in$/);
    await writeFile(join(folder.path, "over", "access.db"), "no database".repeat(1_000));
    assert.match(find("over"), /^error: .*access\.db: /);
  });
});
