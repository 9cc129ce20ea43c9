import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ApiServer } from "./support/api-server.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";
import { untilEvent } from "./support/until-event.ts";

const path = "/api/v1/simulated-devices";

interface Listing {
  readonly max_count: number;
  readonly running: number;
  readonly devices: readonly { readonly hwid: string; readonly kind: string; readonly ends: string }[];
}

function start(server: ApiServer, body: object = {}): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return server.fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
}

async function codeOf(response: Response): Promise<string> {
  return ((await response.json()) as { code: string }).code;
}

describe("simulated devices", { timeout: 60_000 }, () => {
  it("are recorded through the entrance of all devices, and stop when they are told", async () => {
    await using folder = await makeTemporaryFolder();
    await using server = await ApiServer.open(folder.path);
    const started = await start(server, { kind: "birds" });
    assert.equal(started.status, 201);
    const device = (await started.json()) as { hwid: string; started: string; ends: string };
    assert.equal(device.hwid, "demo-birds");
    assert.equal(Date.parse(device.ends) - Date.parse(device.started), 600_000);
    await untilEvent(server.url, "segment.closed", "demo-birds");
    assert.equal((await server.json<Listing>(path)).running, 1);
    assert.equal((await server.fetch(`${path}/demo-birds`, { method: "DELETE" })).status, 204);
    await untilEvent(server.url, "session.ended", "demo-birds");
    assert.deepEqual((await server.json<Listing>(path)).devices, []);
    assert.equal(await codeOf(await server.fetch(`${path}/demo-birds`, { method: "DELETE" })), "RESOURCE_UNKNOWN");
    const known = await server.json<{ totals: { media_s: number } }>("/api/v1/devices/demo-birds");
    assert.ok(known.totals.media_s > 0.9);
  });

  it("are of all kinds in turn, and no more than the settings allow", async () => {
    await using folder = await makeTemporaryFolder();
    await using server = await ApiServer.open(folder.path, { "simulated-devices": "7" });
    for (let count = 0; count < 7; count += 1) assert.equal((await start(server)).status, 201);
    const { devices, max_count } = await server.json<Listing>(path);
    assert.equal(max_count, 7);
    assert.deepEqual(
      devices.map(({ hwid }) => hwid),
      ["voice", "birds", "machine", "gaps", "clipping", "silent", "birds-2"].map((name) => `demo-${name}`),
    );
    const refusal = await start(server);
    assert.deepEqual([refusal.status, await codeOf(refusal)], [409, "SIMULATION_LIMIT"]);
    assert.match(
      await (await fetch(`${server.url}/metrics`)).text(),
      /^eet_limit_refusals_total\{limit="SIMULATION_LIMIT"\} 1$/m,
    );
    assert.equal(await codeOf(await start(server, { kind: "whale" })), "PARAMETER_INVALID");
  });

  it("end by themselves", async () => {
    await using folder = await makeTemporaryFolder();
    await using server = await ApiServer.open(folder.path);
    assert.equal((await start(server, { kind: "machine", life_s: 5 })).status, 201);
    await untilEvent(server.url, "session.ended", "demo-machine");
    assert.equal((await server.json<Listing>(path)).running, 0);
  });

  it("can be switched off", async () => {
    await using folder = await makeTemporaryFolder();
    await using server = await ApiServer.open(folder.path, { "simulated-devices": "0" });
    assert.deepEqual(await server.json<Listing>(path), { max_count: 0, running: 0, devices: [] });
    const refusal = await start(server);
    assert.deepEqual([refusal.status, await codeOf(refusal)], [409, "SIMULATION_OFF"]);
  });
});
