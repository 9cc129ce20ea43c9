import assert from "node:assert/strict";
import { once } from "node:events";
import { chmod, mkdir, open, readdir, rename, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { findFreePorts } from "../../../../test/support/free-ports.ts";
import { MemoryDisk, skipWithoutMount } from "../../../../test/support/mounted-disk.ts";
import { OpenServer } from "../../../../test/support/open-server.ts";
import { S3Stub } from "../../../../test/support/s3-stub.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../../../../test/support/temporary-folder.ts";
import { WebhookReceiver } from "../../../../test/support/webhook-receiver.ts";
import { runEet } from "./command-harness.test-support.ts";

interface Told {
  readonly exitCode: number;
  /** Findings of a check: `status: message`, and the fix. */
  of(check: string): readonly string[];
}

let folder: TemporaryFolder;
before(async () => {
  folder = await makeTemporaryFolder();
});
after(() => folder[Symbol.asyncDispose]());

async function diagnose(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Told> {
  const { exitCode, out } = await runEet(["doctor", "--json", ...args], { folder: folder.path, env });
  const { findings, errors }: { findings: readonly Readonly<Record<string, string>>[]; errors: number } =
    JSON.parse(out);
  assert.equal(exitCode, errors === 0 ? 0 : 1);
  const of = (check: string) =>
    findings
      .filter((finding) => finding["check"] === check)
      .map(({ status, message, fix }) => `${status}: ${message}${fix === undefined ? "" : ` > ${fix}`}`);
  return { exitCode, of };
}

describe("eet doctor", () => {
  it("finds nothing wrong with an empty folder, in a line for each check, and leaves nothing behind", async () => {
    const { exitCode, out } = await runEet(["doctor", "--port", "0"], { folder: folder.path });
    assert.equal(exitCode, 0, out);
    const checks = [
      "settings",
      "clock",
      "open files",
      "data folder",
      "lock",
      "catalogue",
      "port",
      "object store",
      "webhooks",
    ];
    for (const check of checks) assert.match(out, new RegExp(`^(?:ok|warning)\\s+${check}\\s+\\S`, "m"));
    assert.match(out, /writes \d+ MiB\/s\n.*syncs take [\d.]+ ms/);
    assert.match(out, /\n0 errors, \d warnings?\n$/);
    assert.deepEqual(await readdir(folder.path), []);
  });

  it("tells every wrong setting with its fix and looks at nothing else", async () => {
    const { exitCode, of } = await diagnose(["--flush-ms", "1"], { EET_WAV: "perhaps" });
    assert.equal(exitCode, 1);
    assert.equal(of("settings").length, 2);
    assert.match(of("settings").join("\n"), /^error: .*flush-ms.* > Correct it.*\nerror: .*EET_WAV.* > Correct it/);
    assert.deepEqual(of("port"), []);
  });

  it("warns of settings files that everybody may read", async () => {
    const paths = [".env", "appsettings.json"].map((name) => join(folder.path, name));
    for (const path of paths) await writeFile(path, path.endsWith("json") ? "{}" : "", { mode: 0o644 });
    for (const path of paths) await chmod(path, 0o644);
    const { exitCode, of } = await diagnose(["--port", "0"]);
    const warnings = of("settings").filter((text) => text.startsWith("warning: everybody on this machine may read"));
    assert.equal(exitCode, 0);
    assert.equal(warnings.length, 2);
    assert.match(String(warnings[0]), /\.env, where keys may stand > Take that right: chmod 640/);
    for (const path of paths) await chmod(path, 0o640);
    const { of: settled } = await diagnose(["--port", "0"]);
    assert.equal(settled("settings").length, 1);
    for (const path of paths) await rm(path);
  });

  it("names who has the port", async () => {
    const holder = createServer((socket) => socket.destroy());
    await once(holder.listen(0, "127.0.0.1"), "listening");
    try {
      const { port } = holder.address() as AddressInfo;
      const { exitCode, of } = await diagnose(["--port", String(port)]);
      assert.equal(exitCode, 1);
      assert.match(
        of("port").join(),
        new RegExp(`^error: pid ${process.pid} \\(.+\\) listens on 127\\.0\\.0\\.1:${port}`),
      );
    } finally {
      await new Promise((resolve) => holder.close(resolve));
    }
    const { of } = await diagnose(["--host", "203.0.113.7", "--port", "0"]);
    assert.match(
      of("port").join(),
      /^error: this machine does not have the address 203\.0\.113\.7 > Correct Server:Host/,
    );
  });

  it("knows a server that runs, and its data folder", async () => {
    await using server = await OpenServer.open(folder.path, { data: join(folder.path, "running") });
    const { exitCode, of } = await diagnose(["--port", String(server.port), "--data", "running"]);
    assert.equal(exitCode, 0);
    assert.deepEqual(of("port"), [`ok: an EET server (0) runs at 127.0.0.1:${server.port}`]);
    assert.match(of("lock").join(), new RegExp(`^ok: a server runs on it: pid ${process.pid} on `));
    assert.match(of("catalogue").join(), /^ok: quick_check finds it whole, 0 segments$/);
  });

  it("finds a damaged catalogue, and one of another program", async () => {
    const data = join(folder.path, "damaged");
    await (await OpenServer.open(folder.path, { data })).close();
    const path = join(data, "catalog.db");
    const file = await open(path, "r+");
    const { size } = await file.stat();
    for (let at = 8192; at < size; at += 4096) await file.write(Buffer.alloc(2048, 0xee), 0, 2048, at);
    await file.close();
    const damaged = await diagnose(["--port", "0", "--data", data]);
    assert.equal(damaged.exitCode, 1);
    assert.match(
      damaged.of("catalogue").join(),
      /^error: the catalogue is damaged: .* > Stop the server and run `eet reindex`/,
    );
    await rename(path, `${path}.old`);
    await writeFile(path, "no database, but long enough to be taken for the header of one".repeat(20));
    assert.match((await diagnose(["--port", "0", "--data", data])).of("catalogue").join(), /^error: .*not a database/);
  });

  it("warns of a disk in memory and fails below the hard mark", { skip: skipWithoutMount() }, async () => {
    await using disk = await MemoryDisk.create(join(folder.path, "memory"), 64);
    await mkdir(join(disk.path, "data"));
    const low = await diagnose(["--port", "0", "--data", join(disk.path, "data")]);
    assert.match(low.of("data folder").join("\n"), /^warning: .* is on tmpfs: it is memory/m);
    await writeFile(join(disk.path, "ballast"), Buffer.alloc(63.5 * 2 ** 20));
    const full = await diagnose(["--port", "0", "--data", join(disk.path, "data")]);
    assert.equal(full.exitCode, 1);
    assert.match(full.of("data folder").join("\n"), /^error: .*below the hard mark of 2 MiB.* > Free space/m);
  });

  it("looks whether webhooks can be reached, and pings them where it shall", async () => {
    await using receiver = await WebhookReceiver.start();
    const hook = (url: string) => ({ EET_WEBHOOK_URL: url, EET_WEBHOOK_SECRET: receiver.secret });
    const told = async (url: string, ...flags: readonly string[]) => {
      const { of, exitCode } = await diagnose(["--port", "0", ...flags], hook(url));
      return `${exitCode} ${of("webhooks").join("\n")}`;
    };
    const place = `default at 127\\.0\\.0\\.1:${receiver.port}`;
    assert.match(await told(receiver.url), new RegExp(`^0 ok: ${place} takes connections`));
    assert.equal(receiver.requests.length, 0);
    assert.match(await told(receiver.url, "--ping-webhooks"), new RegExp(`^0 ok: ${place} takes signed events$`));
    assert.deepEqual(
      receiver.requests.map(({ id, event: { type } }) => [id.slice(0, 5), type]),
      [["ping_", "ping"]],
    );
    receiver.answer = () => 401;
    assert.match(
      await told(receiver.url, "--ping-webhooks"),
      new RegExp(`^1 error: ${place} takes no ping: the receiver answered 401 > Compare its secret`),
    );
    assert.match(await told(receiver.url.replace("http:", "https:")), /^1 error: .*certificate is not good/);
    assert.match(
      await told("http://receiver.invalid/hook"),
      /^1 error: .* its name is not known here > Correct its Url/,
    );
    const [port] = await findFreePorts(1);
    const down = await told(`http://127.0.0.1:${port}/?token=hidden`, "--ping-webhooks");
    assert.match(down, /^0 warning: .* takes no connection: .*ECONNREFUSED.* > Start the receiver/);
    assert.doesNotMatch(down, /hidden/);
  });

  it("tries each right at the object store, and removes what it put", async () => {
    const stub = await S3Stub.start();
    try {
      const well = await diagnose(["--port", "0"], stub.environment);
      assert.deepEqual(well.of("object store"), [
        "ok: s3://recordings takes objects and shows what it holds (put, head)",
        "ok: s3://recordings gives objects back (get)",
        "ok: s3://recordings deletes objects (delete)",
        "ok: s3://recordings begins files in parts, as those above 5 MiB go, and drops them again (multipart)",
      ]);
      assert.equal(stub.putCounts.size, 1);
      assert.deepEqual([stub.objects.size, stub.openUploadCount], [0, 0]);
      const denied = await diagnose(["--port", "0"], { ...stub.environment, AWS_SECRET_ACCESS_KEY: "another" });
      assert.equal(denied.exitCode, 1);
      assert.match(
        denied.of("object store").join(),
        /^error: .* takes no object: .*403.* > Check key, secret and the bucket/,
      );
      stub.setDown(true);
      const down = await diagnose(["--port", "0"], stub.environment);
      assert.match(down.of("object store").join(), /^error: .* > Check the network and S3:ServiceUrl/);
    } finally {
      await stub.stop();
    }
  });
});
