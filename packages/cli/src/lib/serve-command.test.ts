import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { listSettingFlags } from "@eet/server";
import { ServerProcess } from "../../../../test/support/server-process.ts";
import { runEet } from "./command-harness.test-support.ts";
import { makeFolder, openServer } from "./recorded-folder.test-support.ts";

/** Flags that keep a server that starts against expectation from disturbing anything. */
const quiet = ["--port", "0", "--log-level", "silent"];

describe("eet serve", () => {
  it("explains every setting in its help", async () => {
    const { exitCode, out } = await runEet(["serve", "--help"]);
    assert.equal(exitCode, 0);
    const missing = listSettingFlags().filter(({ name }) => !new RegExp(`^ {2}--${name} [<[]value`, "m").test(out));
    assert.deepEqual(missing, []);
    assert.match(out, /--rotate-s <value> +Length of a segment/);
    assert.match(out, /0\.1 to 3600; default: 10\)/);
    assert.match(out, /Examples:\n {2}eet serve /);
  });

  it("refuses bad settings by name, with what is allowed", async (t) => {
    const folder = await makeFolder(t);
    const args = ["serve", ...quiet, "--rotate-s", "no", "--gap-fill", "noise"];
    const { exitCode, out, err } = await runEet(args, { folder, env: { EET_FLUSH_MS: "1" } });
    assert.deepEqual([exitCode, out], [1, ""]);
    assert.deepEqual(err.split("\n"), [
      "eet serve: 3 settings are wrong:",
      '  Server:RotateS cannot be "no" (flag --rotate-s); allowed: number, 0.1 to 3600',
      '  Server:FlushMs cannot be "1" (EET_FLUSH_MS in the environment); allowed: whole number, 50 to 60000',
      '  Server:GapFill cannot be "noise" (flag --gap-fill); allowed: silence, skip',
      "",
    ]);
  });

  it("tells that the port is taken and how to go on", async (t) => {
    const folder = await makeFolder(t);
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    t.after(() => other.close());
    const address = other.address();
    assert.ok(address !== null && typeof address === "object");
    const args = ["serve", "--port", String(address.port), "--data", join(folder, "data"), "--log-level", "silent"];
    const { exitCode, err } = await runEet(args, { folder });
    assert.equal(exitCode, 1);
    assert.equal(
      err,
      `eet serve: listen EADDRINUSE: address already in use 127.0.0.1:${address.port}; another program listens there: ` +
        "choose another port with --port, or stop that program\n",
    );
  });

  it("tells who holds the data folder", async (t) => {
    const folder = await makeFolder(t);
    const server = await openServer(folder);
    t.after(() => server.close());
    const { exitCode, err } = await runEet(["serve", ...quiet, "--data", join(folder, "data")], { folder });
    assert.equal(exitCode, 1);
    assert.ok(err.startsWith(`eet serve: ${join(folder, "data")} is in use by pid ${process.pid} on `), err);
    assert.match(err, /Stop the other server, or give this one a data folder of its own with --data\.\n$/);
  });

  it("tells that the data folder cannot be one", async (t) => {
    const folder = await makeFolder(t);
    const path = join(folder, "data");
    await writeFile(path, "a file");
    const { exitCode, err } = await runEet(["serve", ...quiet, "--data", path], { folder });
    assert.equal(exitCode, 1);
    assert.equal(err, `eet serve: the data folder ${path} cannot be written; check its path and rights\n`);
  });

  it("runs until it is stopped, reads the settings of its folder, and exits with 0", async (t) => {
    const folder = await makeFolder(t);
    await mkdir(join(folder, "elsewhere"));
    await writeFile(join(folder, ".env"), "EET_DATA=elsewhere\n");
    const server = await ServerProcess.start({ folder });
    t.after(() => server.kill());
    const { data } = await server.line(({ msg }) => msg === "listening");
    assert.equal(data, "elsewhere");
    assert.equal(await server.stop(), 0);
    assert.equal(server.errors, "");
  });
});
