import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openTokenBook, silentLog, systemClock } from "@eet/server";
import fc from "fast-check";
import { FuzzedServer } from "../support/fuzz/fuzzed-server.ts";
import { type GoodSecrets, guardedTraffic, openTraffic, type Traffic } from "../support/fuzz/live-traffic.ts";
import { fuzzCaseCount, fuzzSeed } from "../support/fuzz-seed.ts";
import { rawRequest } from "../support/raw-requests.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

/** Connections in all, of which each server gets half: 5 000 beside a million cases of parsers. */
const connectionCount = Math.ceil(fuzzCaseCount / 200);
/** Fewer connections may miss what comes seldom. */
const wholeCount = 4_000;
/** Connections at once. */
const laneCount = 60;
const honestCount = 3;
/** All connections are of one machine, which has to wait after so many wrong guesses in a minute: some do, on a fast one. */
const maxFailedLogins = "100";

/** An address of the loopback for each connection, so that limits by address leave the bytes to be read. */
function addressOf(index: number): string {
  return `127.${1 + (index >> 16)}.${(index >> 8) & 255}.${1 + (index & 127)}`;
}

/** Makes tokens of honest devices, of the others, and of people. */
function makeTokens(folder: string): Pick<GoodSecrets, "device" | "people"> & { readonly honest: string } {
  const book = openTokenBook(join(folder, "data"), { clock: systemClock, log: silentLog });
  const [honest = "", device = ""] = ["honest-*", "fuzz*"].map((hwidPattern) => {
    return book.create({ kind: "device", name: hwidPattern, hwidPattern }).secret;
  });
  const roles = ["viewer", "operator", "admin"] as const;
  const people = roles.map((role) => book.create({ kind: "api", name: role, role }).secret);
  book.close();
  return { honest, device, people };
}

/** Cookies of people who have logged in, each several times: requests may log them out. */
async function logIn(port: number, tokens: readonly string[]): Promise<readonly string[]> {
  const answers = [...tokens, ...tokens, ...tokens].map(async (token) => {
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ token });
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/login`, { method: "POST", headers, body });
    assert.equal(answer.status, 204);
    return answer.headers.get("set-cookie")?.split(";")[0] ?? "";
  });
  return Promise.all(answers);
}

describe("servers to which anything is sent by raw sockets, one open, one with tokens", () => {
  it("answer as documented, keep nothing, and record honest devices whole", async (t) => {
    t.diagnostic(`FUZZ_SEED=${fuzzSeed}`);
    await using openFolder = await makeTemporaryFolder();
    await using guardedFolder = await makeTemporaryFolder();
    const { honest, ...secrets } = makeTokens(guardedFolder.path);
    await using open = await FuzzedServer.start({
      ...{ name: "open", folder: openFolder.path, flags: [], honestCount, number: 0 },
    });
    await using guarded = await FuzzedServer.start({
      ...{ name: "with tokens", folder: guardedFolder.path, honestCount, number: 1, token: honest },
      flags: ["--token-in-url", "--max-failed-logins", maxFailedLogins],
    });
    const servers = [open, guarded];
    const requests = fc.sample(rawRequest, { numRuns: 300, seed: fuzzSeed }).map((text) => Buffer.from(text, "latin1"));
    const cookies = await logIn(guarded.process.port, secrets.people);
    const traffics: readonly Traffic[] = [openTraffic(requests), guardedTraffic(requests, { ...secrets, cookies })];
    let nextIndex = 0;
    const runLane = async (end: number) => {
      while (nextIndex < end) {
        const index = nextIndex++;
        const [server, traffic] = [servers[index % 2], traffics[index % 2]];
        if (traffic !== undefined) await server?.meet(index, addressOf(index), traffic);
      }
    };
    const runUntil = (end: number) => Promise.all(Array.from({ length: laneCount }, () => runLane(end)));
    await runUntil(Math.ceil(connectionCount / 4));
    await Promise.all(servers.map((server) => server.noteMemory()));
    await runUntil(connectionCount);
    for (const server of servers) t.diagnostic(await server.assertFlat());
    const isWhole = connectionCount >= wholeCount;
    open.assertCame(isWhole ? [101, 400, 1002, 1008, 4400] : [101, 400, 1002]);
    guarded.assertCame(isWhole ? [101, 200, 204, 400, 401, 403, 1002, 4401] : [101, 200, 400, 401, 403]);

    const frameCounts = await Promise.all(servers.map((server) => server.assertWhole()));
    t.diagnostic(`${nextIndex} connections, ${frameCounts} frames of honest devices`);
    const log = guarded.process.lines.map((line) => JSON.stringify(line)).join("\n");
    for (const secret of [
      honest,
      secrets.device,
      ...secrets.people,
      ...cookies.map((cookie) => cookie.split("=")[1] ?? ""),
    ]) {
      assert.ok(secret !== "" && !log.includes(secret), "no secret is in the log");
    }
  });
});
