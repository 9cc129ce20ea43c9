// Logins of people outlive the server, and end by each way that is meant to end them.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { subprotocols } from "@eet/protocol";
import { openTokenBook, silentLog, systemClock, type TokenBook } from "@eet/server";
import Database from "better-sqlite3";
import { WebSocket } from "ws";
import { ForwardClock, OpenServer } from "./support/open-server.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./support/temporary-folder.ts";

const dayMs = 24 * 3_600_000;

describe("the session of a person", () => {
  let folder: TemporaryFolder;
  let book: TokenBook;
  let server: OpenServer;
  let clock: ForwardClock;
  const secrets: Record<string, string> = {};
  before(async () => {
    folder = await makeTemporaryFolder();
    book = openTokenBook(join(folder.path, "data"), { clock: systemClock, log: silentLog });
    for (const name of ["ann", "ben", "eve"]) {
      secrets[name] = book.create({ kind: "api", name, role: "operator" }).secret;
    }
    clock = new ForwardClock();
    server = await OpenServer.open(folder.path, {}, clock.clock);
  });
  after(async () => {
    book.close();
    await server.close();
    await folder[Symbol.asyncDispose]();
  });

  async function restart(): Promise<void> {
    await server.close();
    server = await OpenServer.open(folder.path, {}, clock.clock);
  }

  const ask = (path: string, init: RequestInit = {}) => fetch(`http://127.0.0.1:${server.port}/api/v1${path}`, init);

  async function logIn(name: string): Promise<string> {
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ token: secrets[name] });
    const response = await ask("/login", { method: "POST", headers, body });
    assert.equal(response.status, 204);
    return response.headers.get("set-cookie")?.split(";", 1)[0] ?? "";
  }

  /** Who the server takes the holder of a cookie for. */
  async function nameOf(cookie: string): Promise<string | null> {
    return ((await (await ask("/access", { headers: { cookie } })).json()) as { name: string | null }).name;
  }

  it("goes on over a restart of the server, kept as a hash in a file for the owner alone", async () => {
    const cookie = await logIn("ann");
    await restart();
    assert.equal(await nameOf(cookie), "ann");
    const path = join(folder.path, "data", "access.db");
    const secret = cookie.split("=", 2)[1] ?? "";
    assert.equal(secret.length, 43);
    for (const file of [path, `${path}-wal`]) {
      assert.equal((await stat(file)).mode & 0o077, 0, file);
      assert.ok(!(await readFile(file)).includes(secret), file);
    }
  });

  it("ends for ever with its logout, which cuts off what runs, and leaves others alone", async () => {
    const [cookie, other] = [await logIn("ann"), await logIn("ann")];
    const stream = await ask("/events/stream", { headers: { cookie } });
    assert.equal((await ask("/logout", { method: "POST", headers: { cookie } })).status, 204);
    await assert.rejects(stream.text());
    await restart();
    assert.deepEqual([await nameOf(cookie), await nameOf(other)], [null, "ann"]);
  });

  it("ends with its token, though that was revoked while no server ran", async () => {
    const cookie = await logIn("ben");
    await server.close();
    book.revoke(book.list().find(({ name }) => name === "ben")?.id ?? "");
    await restart();
    assert.equal(await nameOf(cookie), null);
  });

  it("ends when its token has another role", async () => {
    const cookie = await logIn("eve");
    await server.close();
    const database = new Database(join(folder.path, "data", "access.db"));
    database.prepare("UPDATE token SET role = 'admin' WHERE name = 'eve'").run();
    database.close();
    await restart();
    assert.equal(await nameOf(cookie), null);
    assert.equal(await nameOf(await logIn("eve")), "eve");
  });

  it("opens no door by what is no person in its row", async () => {
    const cookie = await logIn("ann");
    const database = new Database(join(folder.path, "data", "access.db"));
    const damage = database.prepare(
      "UPDATE session SET token_id = NULL, person = ? WHERE person IS NOT NULL OR token_id IS NOT NULL",
    );
    for (const person of ["{", "5", '{"issuer":"x"}']) {
      damage.run(person);
      assert.equal(await nameOf(cookie), null);
    }
    database.exec("DELETE FROM session");
    database.close();
    assert.ok(server.lines.some(({ msg }) => msg === "logins not read"));
  });

  it("counts for nothing once its table is damaged, which ends no recording", async () => {
    const { secret } = book.create({ kind: "device", name: "bird", hwidPattern: "*" });
    const cookie = await logIn("ann");
    const origin = `http://127.0.0.1:${server.port}`;
    const stream = await ask("/events/stream", { headers: { cookie } });
    const device = new WebSocket(`${server.url}/bird`, { headers: { authorization: `Bearer ${secret}` } });
    await once(device, "open");
    const database = new Database(join(folder.path, "data", "access.db"));
    database.exec("ALTER TABLE session RENAME COLUMN role TO lost");
    const ofPage = { headers: { cookie, origin, "sec-fetch-site": "same-origin" } };
    for (const path of ["/api/v1/live", "/ws/page"]) {
      const refused = new WebSocket(`ws://127.0.0.1:${server.port}${path}`, [subprotocols.v1Ack], ofPage);
      refused.on("error", () => {});
      await Promise.race([once(refused, "unexpected-response"), once(refused, "close")]);
      refused.terminate();
    }
    // Makes the server look at once whom it would let in still.
    book.create({ kind: "api", name: "other", role: "viewer" });
    await assert.rejects(stream.text());
    assert.equal(await nameOf(cookie), null);
    device.ping();
    await once(device, "pong");
    device.terminate();
    database.exec("ALTER TABLE session RENAME COLUMN lost TO role");
    database.close();
    assert.equal(await nameOf(cookie), "ann");
  });

  it("ends a week after it began, however often it is used", async () => {
    const cookie = await logIn("ann");
    clock.forward(6 * dayMs);
    assert.equal(await nameOf(cookie), "ann");
    clock.forward(1 * dayMs);
    assert.equal(await nameOf(cookie), null);
  });
});
