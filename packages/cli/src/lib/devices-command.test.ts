import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { after, before, describe, it } from "node:test";
import { runEet } from "./command-harness.test-support.ts";
import { TestLibrary } from "./library/library.test-support.ts";
import { makeFolder } from "./recorded-folder.test-support.ts";

let library: TestLibrary;
before(async () => {
  library = await TestLibrary.open();
});
after(() => library.close());

/** Where nobody listens. */
async function closedUrl(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  assert.ok(typeof address === "object" && address !== null);
  return `http://127.0.0.1:${address.port}`;
}

describe("eet devices", () => {
  it("shows what was recorded of each, from a server and from a folder", async () => {
    const [byServer, byFolder] = await library.both(["devices"]);
    const row = (online: string) =>
      new RegExp(
        `^device +name +online +last seen \\(\\S+\\) .*\\nkitchen +${online} +\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d +10\\.1 s +- +3  414 kB\\n$`,
      );
    assert.deepEqual([byServer.exitCode, byServer.err], [0, ""]);
    // It is taken for online a while longer than it is.
    assert.match(byServer.out, row("(?:yes|no)"));
    assert.deepEqual([byFolder.exitCode, byFolder.err], [0, ""]);
    assert.match(byFolder.out, row("-"));
  });

  it("gives the API's objects as JSON, the same from both", async () => {
    const [byServer, byFolder] = await library.both(["devices", "--json"]);
    const device = JSON.parse(byServer.out);
    assert.deepEqual([device.hwid, device.totals.segments, device.totals.media_s], ["kitchen", 3, 10.09]);
    // Only a server knows who is connected.
    assert.deepEqual(JSON.parse(byFolder.out), { ...device, online: null });
  });

  it("finds by a part of the id", async () => {
    for (const outcome of await library.both(["devices", "--search", "KITCH", "--json"]))
      assert.equal(JSON.parse(outcome.out).hwid, "kitchen");
    for (const outcome of await library.both(["devices", "--search", "garden"]))
      assert.equal(outcome.out, "no devices\n");
  });

  it("asks the server of the settings if it answers, else reads their folder, and says which", async () => {
    const port = new URL(library.url).port;
    const folder = library.recorded.path;
    const asked = await runEet(["devices", "--json"], { folder, env: { EET_PORT: port } });
    assert.equal(asked.err, `asking the server at http://127.0.0.1:${port}\n`);
    const read = await runEet(["devices", "--json"], { folder, env: { EET_PORT: "0" } });
    assert.equal(read.err, `reading the folder ${library.data}\n`);
    assert.deepEqual(JSON.parse(read.out), { ...JSON.parse(asked.out), online: null });
  });

  it("says what is wrong with the place it is to read", async (t) => {
    const folder = await makeFolder(t);
    const both = await runEet(["devices", "--url", library.url, "--data", library.data], { folder });
    assert.equal(both.exitCode, 2);
    assert.match(both.err, /^eet devices: --url and --data exclude each other/);
    const noUrl = await runEet(["devices", "--url", "host:5096"], { folder });
    assert.equal(noUrl.exitCode, 2);
    assert.match(noUrl.err, /^eet devices: --url is "host:5096"; it takes a URL such as/);
    const blocked = await runEet(["devices", "--url", "http://localhost:1"], { folder });
    assert.equal(blocked.exitCode, 1);
    assert.match(
      blocked.err,
      /^eet devices: http:\/\/localhost:1 is never asked \(.+\): .*; check --url, a server listens on 5096/,
    );
    const url = await closedUrl();
    const closed = await runEet(["devices", "--url", url], { folder });
    assert.equal(closed.exitCode, 1);
    assert.ok(closed.err.startsWith(`eet devices: ${url} does not answer (ECONNREFUSED); check --url`), closed.err);
    const empty = await runEet(["devices", "--data", folder], { folder });
    assert.equal(empty.exitCode, 1);
    assert.match(empty.err, /is no data folder, it has no received\/ in it/);
  });
});
