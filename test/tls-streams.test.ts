// Programs that send over TLS: `eet stream`, the SDK, the Python example.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { createSession, openFrameStream } from "@eet/client";
import { Authority, type MadeCertificate, writeServerFiles } from "./support/certificates.ts";
import { OpenServer } from "./support/open-server.ts";
import { runCommand, runEet } from "./support/run-command.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./support/temporary-folder.ts";
import { skipWithout } from "./support/tools.ts";

const format = { codec: "pcm16", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 } as const;

let folder: TemporaryFolder;
let authority: Authority;
let kitchen: MadeCertificate;
let server: OpenServer;
let url: string;
before(async () => {
  folder = await makeTemporaryFolder();
  authority = await Authority.make("EET test");
  kitchen = await authority.device("kitchen");
  await writeFile(at("ca.pem"), authority.pem);
  await writeFile(at("kitchen.pem"), kitchen.cert);
  await writeFile(at("kitchen.key"), kitchen.key);
  const files = await writeServerFiles(folder.path, await authority.server());
  server = await OpenServer.open(folder.path, {
    ...{ ...files, "tls-clients": "optional", "tls-client-ca": at("ca.pem"), "rotate-s": "0.5" },
  });
  url = `wss://localhost:${server.port}/ws`;
});
after(async () => {
  await server.close();
  await folder[Symbol.asyncDispose]();
});

const at = (name: string) => join(folder.path, name);
const exampleFolder = fileURLToPath(new URL("../examples/python/", import.meta.url));

describe("eet stream", () => {
  const flags = (hwid: string) => ["stream", "--url", url, "--hwid", hwid, "--seconds", "0.2"];
  const identity = () => ["--ca", at("ca.pem"), "--cert", at("kitchen.pem"), "--key", at("kitchen.key")];

  it("trusts the authority that it is given, and shows the device's certificate", async () => {
    for (const plain of [[], ["--plain"]]) {
      const { exitCode, err } = await runEet([...flags("kitchen"), ...identity(), ...plain]);
      assert.equal(exitCode, 0, err);
    }
    const { exitCode, err } = await runEet([...flags("garden"), ...identity()]);
    assert.equal(exitCode, 1);
    assert.match(err, /status 403/);
  });

  it("says why it does not connect, and which flags do not fit", async () => {
    // Long enough for one attempt to end: until then nothing is known of the certificate.
    const unknown = await runEet([...flags("kitchen"), "--give-up-s", "10"]);
    assert.equal(unknown.exitCode, 1);
    assert.match(unknown.err, /certificate/);
    const alone = await runEet([...flags("kitchen"), "--cert", at("kitchen.pem")]);
    assert.deepEqual([alone.exitCode, /--cert and --key go together/.test(alone.err)], [2, true]);
    const plain = await runEet(["stream", "--url", "ws://127.0.0.1:1/ws", "--ca", at("ca.pem")]);
    assert.deepEqual([plain.exitCode, /give a --url like wss:/.test(plain.err)], [2, true]);
    const missing = await runEet([...flags("kitchen"), "--ca", at("none.pem")]);
    assert.deepEqual([missing.exitCode, /--ca .*none\.pem cannot be read/.test(missing.err)], [1, true], missing.err);
  });
});

describe("the SDK", () => {
  it("delivers over TLS with the device's certificate", async () => {
    const tls = { ca: authority.pem, cert: kitchen.cert, key: kitchen.key };
    const session = createSession({ url, hwid: "kitchen", format, tls });
    await session.write(new Int16Array(3_200));
    const { kind, delivery, unacknowledgedFrameCount } = await session.finish();
    assert.deepEqual([kind, delivery, unacknowledgedFrameCount], ["complete", "acked", 0]);
    const plain = await openFrameStream({ url, hwid: "kitchen", streamId: 1, format, timestampMs: 0, tls });
    assert.equal((await plain.close()).kind, "clean");
  });

  it("refuses a certificate without its key, and what is none", () => {
    const { cert } = kitchen;
    assert.throws(() => createSession({ url, format, tls: { cert } }), /a certificate and its key go together/);
    assert.throws(() => createSession({ url, format, tls: { cert, key: "x" } }), RangeError);
  });
});

describe("the Python example", { skip: skipWithout("/usr/bin/python3") }, () => {
  it("streams over TLS, to a server of an authority that Python knows", async () => {
    const args = ["--url", url, "--hwid", "attic", "--seconds", "0.2"];
    const client = ["/usr/bin/python3", "-W", "ignore", join(exampleFolder, "stream_client.py"), ...args];
    const { exitCode, err } = await runCommand("/usr/bin/env", [`SSL_CERT_FILE=${at("ca.pem")}`, ...client]);
    assert.equal(exitCode, 0, err);
  });
});
