import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it, type TestContext } from "node:test";
import { AbuseScene } from "../support/abuse/abuse-scene.ts";
import { attacks } from "../support/abuse/attacks.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

/** `ABUSE_ATTACK=JSON`: those attacks only whose name has it. */
const chosenAttack = process.env["ABUSE_ATTACK"] ?? "";
const names = Object.keys(attacks).filter((name) => name.includes(chosenAttack));
const wantedSocketCount = 5_000;

/** Limits and what they answer, by the attack that meets them. [docs/security.md] */
const expectations: Readonly<Record<string, readonly string[]>> = {
  "slow headers": ["408 REQUEST_TIMEOUT"],
  "ping flood": ["close 4429"],
  "frames of 100 MiB": ["close 1009"],
  "fragments of one byte": ["close 1009"],
  "offers of compression": ["close 1002"],
  "path tricks": ["400 HWID_INVALID"],
  "injected headers": ["431 HEADERS_TOO_LARGE"],
  "oversized JSON": ["413 BODY_TOO_LARGE", "400 JSON_TOO_DEEP"],
  "JSON of many names and values": ["400 PARAMETER_INVALID"],
  "more requests than a client may send": ["200", "429 API_RATE_LIMIT"],
  "a fleet behind one address": ["101", "429 ADDRESS_LIMIT"],
  "messages that never end": ["close 4503"],
  "storm of connections": ["429 DEVICE_LIMIT"],
  "followers that do not read": ["503 EVENT_STREAM_LIMIT"],
};
const countedLimits = [
  ...["SOCKET_LIMIT", "REQUEST_TIMEOUT", "HEADERS_TOO_LARGE", "BODY_TOO_LARGE", "JSON_TOO_DEEP"],
  ...["HANDSHAKE_LIMIT", "DEVICE_LIMIT", "MESSAGE_TOO_BIG", "CONTROL_LIMIT", "EVENT_STREAM_LIMIT"],
  ...["ADDRESS_LIMIT", "INGRESS_LIMIT", "OVERLOADED", "API_RATE_LIMIT"],
];

/** As many as the limit of open files leaves for both ends, this process's and the server's. */
function countSockets(t: TestContext): number {
  const limit = Number(/Max open files\s+(\d+)/.exec(readFileSync("/proc/self/limits", "utf8"))?.[1] ?? 1_024);
  const count = Math.min(wantedSocketCount, Math.floor(limit / 3));
  assert.ok(count === wantedSocketCount || process.env["CI"] === undefined, `open files: ${limit}, 15 000 are needed`);
  if (count < wantedSocketCount) t.diagnostic(`open files: ${limit}, so ${count} idle sockets instead of 5 000`);
  return count;
}

describe("a server under abuse", { skip: names.length === 0 }, () => {
  it("keeps its promises to 200 honest devices, names each limit and counts it", async (t) => {
    await using folder = await makeTemporaryFolder();
    await using scene = await AbuseScene.open({
      ...{ folder: folder.path, flags: ["--insecure-open"], expectations },
      means: { socketCount: countSockets(t), tokens: [] },
      onNote: (text) => t.diagnostic(text),
    });
    const slow = await scene.attackAll(names);
    const refusals = await scene.readLimits("eet_limit_refusals_total");
    t.diagnostic(`counted: ${JSON.stringify(Object.fromEntries(refusals))}`);
    const expectedLimits = names.length < Object.keys(attacks).length ? [] : countedLimits;
    for (const limit of expectedLimits) assert.ok((refusals.get(limit) ?? 0) > 0, `${limit} is counted`);
    await scene.assertQuiet();
    await scene.assertLetGo();
    await scene.assertWhole();
    assert.deepEqual(slow, []);
  });
});
