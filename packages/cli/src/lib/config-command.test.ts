import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { runEet } from "./command-harness.test-support.ts";
import { makeFolder } from "./recorded-folder.test-support.ts";

describe("eet config", () => {
  it("shows each setting with its value and where that comes from", async (t) => {
    const folder = await makeFolder(t);
    await writeFile(
      join(folder, "appsettings.json"),
      '{ "Server": { "RotateS": 60, "Port": 1 }, "S3": { "Prefix": "a" } }',
    );
    await writeFile(join(folder, ".env"), "EET_PORT=2\nEET_DATA=audio\n");
    const options = { folder, env: { EET_DATA: "/srv/eet", EET_WAV: "off" } };
    const { exitCode, out, err } = await runEet(["config", "--wav", "--host", "::"], options);
    assert.deepEqual([exitCode, err], [0, ""]);
    const rows = new Map(out.split("\n").map((line) => [line.split(" ")[0], line.trim().split(/ {2,}/).slice(1)]));
    assert.deepEqual(rows.get("Server:Host"), ["::", "flag --host"]);
    assert.deepEqual(rows.get("Server:Wav"), ["true", "flag --wav"]);
    assert.deepEqual(rows.get("Server:Data"), ["/srv/eet", "EET_DATA in the environment"]);
    assert.deepEqual(rows.get("Server:Port"), ["2", "EET_PORT in .env"]);
    assert.deepEqual(rows.get("Server:RotateS"), ["60", "Server:RotateS in appsettings.json"]);
    assert.deepEqual(rows.get("Server:FlushMs"), ["1000", "default"]);
    assert.deepEqual(rows.get("S3:Bucket"), ["(not set)", "default"]);
  });

  it("gives programs the same as JSON", async (t) => {
    const folder = await makeFolder(t);
    const { exitCode, out } = await runEet(["config", "--json", "--port", "0"], { folder });
    assert.equal(exitCode, 0);
    const rows: readonly { readonly key: string }[] = JSON.parse(out);
    assert.deepEqual(
      rows.find(({ key }) => key === "Server:Port"),
      {
        key: "Server:Port",
        value: 0,
        source: { layer: "flag", name: "--port" },
      },
    );
  });

  it("masks secrets", async (t) => {
    const folder = await makeFolder(t);
    const secret = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY";
    const env = { AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE", AWS_SECRET_ACCESS_KEY: secret };
    for (const args of [["config"], ["config", "--json"]]) {
      const { exitCode, out } = await runEet(args, { folder, env });
      assert.equal(exitCode, 0);
      assert.match(out, /\*\*\*\*EKEY/);
      assert.ok(!out.includes(secret));
    }
  });

  it("takes switches in every form", async (t) => {
    const folder = await makeFolder(t);
    for (const [flag, value] of [
      ["--wav", "true"],
      ["--wav=yes", "true"],
      ["--wav=no", "false"],
      ["--no-wav", "false"],
    ] as const) {
      const { out } = await runEet(["config", flag], { folder });
      assert.match(out, new RegExp(`^Server:Wav +${value} +flag --wav$`, "m"), flag);
    }
  });

  it("fails with everything that is wrong at once", async (t) => {
    const folder = await makeFolder(t);
    const { exitCode, out, err } = await runEet(["config", "--port", "99999"], { folder, env: { EET_ROTATES: "1" } });
    assert.deepEqual([exitCode, out], [1, ""]);
    assert.match(err, /^eet config: 2 settings are wrong:\n/);
    assert.match(err, / {2}Server:Port cannot be "99999" \(flag --port\); allowed: whole number, 0 to 65535\n/);
    assert.match(err, / {2}.*EET_ROTATES.*EET_ROTATE_S/);
  });
});
