import assert from "node:assert/strict";
import type { Call, ContractClient } from "./contract-client.ts";

/** Changes how much is logged, each answer held against its schema. */
export async function checkLogLevel(client: ContractClient): Promise<void> {
  assert.deepEqual((await client.call("changeLogLevel", { body: { level: "debug" } })).json, { level: "debug" });
  assert.deepEqual((await client.call("readLogLevel")).json, { level: "debug" });
  assert.equal(await client.refusal("changeLogLevel", { body: { level: "loud" } }), "PARAMETER_INVALID");
}

/** Protects a server that asked nobody, logs in and out, makes and ends tokens. To be called last. */
export async function checkAccess(client: ContractClient, setupCode: string): Promise<void> {
  const { json: open } = await client.call("readAccess");
  assert.deepEqual([open.mode, open.role, open.setup_open], ["local", "admin", true]);
  assert.equal(await client.refusal("setUp", { body: { code: "wrong" } }), "SETUP_CLOSED");
  assert.equal(await client.refusal("setUp", { body: {} }), "PARAMETER_INVALID");
  const made = await client.call("setUp", { body: { code: setupCode } });
  assert.deepEqual([made.status, made.json.token.role], [201, "admin"]);
  assert.equal(await client.refusal("setUp", { body: { code: setupCode } }), "SETUP_CLOSED");
  assert.equal(await client.refusal("listTokens"), "CREDENTIALS_MISSING");
  await checkLogin(client, made.json.secret);
  await checkTokens(client, { authorization: `Bearer ${made.json.secret}` });
}

async function checkLogin(client: ContractClient, token: string): Promise<void> {
  assert.equal(await client.refusal("login", { body: { token: "wrong" } }), "TOKEN_INVALID");
  assert.equal(await client.refusal("login", { body: { token: 7 } }), "PARAMETER_INVALID");
  const { headers, status } = await client.call("login", { body: { token } });
  assert.equal(status, 204);
  const cookie = headers.get("set-cookie")?.split(";", 1)[0] ?? "";
  assert.equal((await client.call("readAccess", { headers: { cookie } })).json.is_session, true);
  await client.call("logout", { headers: { cookie } });
  assert.equal((await client.call("readAccess", { headers: { cookie } })).json.name, null);
}

async function checkTokens(client: ContractClient, headers: NonNullable<Call["headers"]>): Promise<void> {
  const refuse = (operationId: string, call: Call) => client.refusal(operationId, { ...call, headers });
  const body = { hwid: "kitchen-*", name: "kitchen", expires_days: 1 };
  const { json: made, status } = await client.call("createToken", { headers, body });
  assert.deepEqual([status, made.token.hwid, made.token.state], [201, "kitchen-*", "active"]);
  for (const wrong of [{}, { hwid: "a", role: "admin" }, { hwid: "a b" }, { role: "owner" }, { ...body, colour: 1 }]) {
    assert.equal(await refuse("createToken", { body: wrong }), "PARAMETER_INVALID");
  }
  const path = { id: made.token.id };
  const { json: next } = await client.call("rotateToken", { headers, path, body: { overlap_h: 0 } });
  assert.equal(next.token.hwid, "kitchen-*");
  assert.equal(await refuse("rotateToken", { path, body: {} }), "TOKEN_ENDED");
  const { json: ended } = await client.call("revokeToken", { headers, path: { id: next.token.id } });
  assert.equal(ended.state, "revoked");
  assert.equal(await refuse("revokeToken", { path: { id: "d-0" } }), "RESOURCE_UNKNOWN");
  const { tokens } = (await client.call("listTokens", { headers })).json;
  assert.deepEqual(
    tokens.map(({ state }: { readonly state: string }) => state),
    ["active", "expired", "revoked"],
  );
}
