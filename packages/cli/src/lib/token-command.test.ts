import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { EetServer, readSettings, silentLog } from "@eet/server";
import { runEet } from "./command-harness.test-support.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "eet-token-"));
});
afterEach(() => rm(folder, { recursive: true }));

const eet = (...args: string[]) => runEet(args, { folder });

async function listed(): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { out } = await eet("token", "list", "--json");
  return out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** Streams with the token of a device, without one, and with one that is for people. */
async function checkStream(url: string, viewer: string): Promise<void> {
  const device = (await eet("token", "create", "--hwid", "mic")).out.trim();
  const stream = (env: Readonly<Record<string, string>>, ...args: string[]) =>
    runEet(["stream", "--url", `${url}/ws`, "--hwid", "mic", "--seconds", "0.1", ...args], { folder, env });
  for (const args of [[], ["--plain"]]) {
    const { exitCode, out, err } = await stream({ EET_TOKEN: device }, ...args);
    assert.equal(exitCode, 0, err);
    assert.ok(!`${out}${err}`.includes(device));
    for (const env of [{}, { EET_TOKEN: "" }, { EET_TOKEN: viewer }]) {
      const refused = await stream(env, ...args);
      assert.equal(refused.exitCode, 1);
      assert.match(refused.err, /`eet token create --hwid ID` makes one there; give it in EET_TOKEN, or by --token\n$/);
      assert.ok(!`${refused.out}${refused.err}`.includes(viewer));
    }
  }
}

describe("eet token", () => {
  it("makes, lists, rotates and revokes tokens in the data folder, whose secrets it shows once", async () => {
    const made = await eet("token", "create", "--hwid", "kitchen:*", "--name", "window", "--expires-d", "2");
    assert.equal(made.exitCode, 0);
    assert.match(made.out, /^eet_d_[A-Za-z0-9_-]{43}\n$/);
    assert.match(
      made.err,
      /^token d-[0-9a-f]{12}, for devices kitchen_\*, until \d{4}-.*; its secret is shown this once:\n$/,
    );
    const [first] = await listed();
    assert.deepEqual([first?.["hwid"], first?.["name"], first?.["state"]], ["kitchen_*", "window", "active"]);
    const rotated = await eet("token", "rotate", String(first?.["id"]), "--overlap-h", "0");
    assert.match(rotated.out, /^eet_d_/);
    const admin = await eet("token", "create", "--role", "admin");
    assert.match(admin.out, /^eet_a_/);
    const id = String((await listed())[2]?.["id"]);
    assert.deepEqual((await eet("token", "revoke", id)).out, `revoked ${id}\n`);
    assert.deepEqual(
      (await listed()).map(({ state }) => state),
      ["expired", "active", "revoked"],
    );
    const table = await eet("token", "list");
    assert.match(table.out, /^id +for +name +state +expires \(\S+\) +last used \(\S+\)\n/);
    const audit = await readFile(join(folder, "data", "audit", "audit.jsonl"), "utf8");
    assert.deepEqual(
      audit
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line).act),
      ["token.created", "token.rotated", "token.created", "token.revoked"],
    );
    for (const { out } of [made, rotated, admin]) {
      assert.ok(!`${table.out}${audit}`.includes(out.trim()));
    }
  });

  it("gives a successor as long as the token had from the start, or as long as is asked for", async () => {
    const dayMs = 24 * 3_600_000;
    const rotate = async (id: unknown, ...args: string[]) => {
      const { out } = await eet("token", "rotate", String(id), "--json", ...args);
      const { token } = JSON.parse(out);
      return { id: token.id, days: token.expires && (Date.parse(token.expires) - Date.parse(token.created)) / dayMs };
    };
    const made = JSON.parse((await eet("token", "create", "--hwid", "a", "--expires-d", "2", "--json")).out);
    const next = await rotate(made.token.id);
    assert.equal(next.days, 2);
    // Its end came nearer by the overlap, its lifetime did not.
    assert.equal((await rotate(made.token.id)).days, 2);
    const longer = await rotate(next.id, "--expires-d", "5");
    assert.equal(longer.days, 5);
    assert.equal((await rotate(longer.id)).days, 5);
    const endless = JSON.parse((await eet("token", "create", "--hwid", "b", "--json")).out);
    assert.equal((await rotate(endless.token.id)).days, null);
    assert.equal((await rotate(endless.token.id)).days, null);
    assert.equal((await rotate(endless.token.id, "--expires-d", "0.5")).days, 0.5);
  });

  it("says what is wrong with its options", async () => {
    for (const [args, message] of [
      [["create"], /either --hwid.*or --role/],
      [["create", "--hwid", "a", "--role", "admin"], /either --hwid.*or --role/],
      [["create", "--hwid", "a b"], /--hwid takes/],
      [["create", "--role", "king"], /viewer, operator, admin/],
    ] as const) {
      const { exitCode, err } = await eet("token", ...args);
      assert.equal(exitCode, 2, err);
      assert.match(err, message);
    }
    const unknown = await eet("token", "revoke", "d-1");
    assert.equal(unknown.exitCode, 1);
    assert.match(unknown.err, /no token has the id "d-1"/);
  });

  it("asks a server that runs elsewhere, and other commands with EET_TOKEN", async () => {
    const admin = (await eet("token", "create", "--role", "admin")).out.trim();
    const { settings } = await readSettings(folder, {
      flags: { port: "0", data: join(folder, "data") },
      environment: {},
    });
    const server = await EetServer.open({ settings, log: silentLog, version: "1" });
    try {
      const url = `http://127.0.0.1:${server.address.port}`;
      const env = { EET_TOKEN: admin };
      const made = await runEet(["token", "create", "--role", "viewer", "--url", url], { folder, env });
      assert.match(made.out, /^eet_a_/);
      const viewer = { EET_TOKEN: made.out.trim() };
      assert.equal((await runEet(["devices", "--url", url], { folder, env: viewer })).exitCode, 0);
      assert.equal((await runEet(["devices", "--url", url, "--token", admin], { folder })).exitCode, 0);
      const bare = await runEet(["devices", "--url", url], { folder });
      assert.equal(bare.exitCode, 1);
      assert.match(bare.err, /CREDENTIALS_MISSING/);
      const refused = await runEet(["token", "list", "--url", url], { folder, env: viewer });
      assert.match(refused.err, /ROLE_REFUSED/);
      await checkStream(url.replace("http", "ws"), made.out.trim());
      const id = String((await listed())[1]?.["id"]);
      const again = await runEet(["token", "rotate", id, "--expires-d", "3", "--url", url], { folder, env });
      assert.match(again.out, /^eet_a_/);
      assert.match(again.err, /, for role viewer, until \d{4}-/);
      const revoked = await runEet(["token", "revoke", id, "--url", url], { folder, env });
      assert.equal(revoked.out, `revoked ${id}\n`);
      const late = await runEet(["devices", "--url", url], { folder, env: viewer });
      assert.match(late.err, /TOKEN_INVALID/);
    } finally {
      await server.close();
    }
  });
});
