import assert from "node:assert/strict";
import type { ContractClient } from "./contract-client.ts";

/** Starts, lists and stops a simulated device by the API, each answer held against its schema. */
export async function checkSimulations(client: ContractClient): Promise<void> {
  const { json: started, status } = await client.call("startSimulatedDevice", { body: { kind: "silent", life_s: 60 } });
  assert.deepEqual([status, started.hwid, started.kind], [201, "demo-silent", "silent"]);
  const { json: listing } = await client.call("listSimulatedDevices");
  assert.deepEqual([listing.max_count, listing.running, listing.devices], [8, 1, [started]]);
  const { hwid } = started;
  assert.equal((await client.call("stopSimulatedDevice", { path: { hwid } })).status, 204);
  assert.equal(await client.refusal("stopSimulatedDevice", { path: { hwid } }), "RESOURCE_UNKNOWN");
  assert.equal(await client.refusal("startSimulatedDevice", { body: { life_s: 1 } }), "PARAMETER_INVALID");
}
