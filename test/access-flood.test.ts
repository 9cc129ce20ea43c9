// Who shows nothing may ask as often as they like: it fills neither the audit log nor the memory, and is bounded.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { Agent, type IncomingMessage, request as openRequest } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { openTokenBook, silentLog, systemClock } from "@eet/server";
import { OpenServer } from "./support/open-server.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./support/temporary-folder.ts";

interface AuditLine {
  readonly act: string;
  readonly who: string;
  readonly facts?: Readonly<Record<string, unknown>>;
}

describe("a server that asks for tokens, flooded by who has none", () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  let folder: TemporaryFolder;
  let server: OpenServer;
  const secrets: Record<string, string> = {};
  before(async () => {
    folder = await makeTemporaryFolder();
    const book = openTokenBook(join(folder.path, "data"), { clock: systemClock, log: silentLog });
    for (const role of ["viewer", "admin"] as const) {
      secrets[role] = book.create({ kind: "api", name: role, role }).secret;
    }
    book.close();
    // It stands still: however slow the machine is, all this is within one window.
    const nowMs = systemClock.monotonicMs();
    const clock = { ...systemClock, monotonicMs: () => nowMs };
    server = await OpenServer.open(folder.path, { "max-api-requests-per-s": "2" }, clock);
  });
  after(async () => {
    agent.destroy();
    await server.close();
    await folder[Symbol.asyncDispose]();
  });

  function ask(method: string, path: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const request = openRequest({ ...{ host: "127.0.0.1", port: server.port, method, path, headers, agent } });
    request.on("error", reject);
    request.on("response", (response: IncomingMessage) => {
      const answer = text(response).then((body) =>
        response.statusCode === 200 ? "200" : `${response.statusCode} ${JSON.parse(body).code}`,
      );
      answer.then(resolve, reject);
    });
    request.end();
    return promise;
  }

  async function countOf(count: number, one: () => Promise<string>): Promise<Readonly<Record<string, number>>> {
    const counts: Record<string, number> = {};
    for (const answer of await Promise.all(Array.from({ length: count }, one))) {
      counts[answer] = (counts[answer] ?? 0) + 1;
    }
    return counts;
  }

  const bearer = (role: string) => ({ authorization: `Bearer ${secrets[role]}` });

  it("answers the most with 429, whatever is wrong with them, and lets in who has a token", async () => {
    const one = () => ask("DELETE", "/api/v1/tokens/a-1");
    assert.deepEqual(await countOf(1_000, one), { "401 CREDENTIALS_MISSING": 20, "429 API_RATE_LIMIT": 980 });
    assert.equal(await ask("GET", "/api/v1/devices", { host: "evil.example" }), "429 API_RATE_LIMIT");
    assert.equal(await ask("POST", "/api/v1/login", { origin: "http://evil.example" }), "429 API_RATE_LIMIT");
    assert.equal(await ask("GET", "/api/v1/devices", bearer("admin")), "200");
    assert.equal(await ask("DELETE", "/api/v1/tokens/a-1", bearer("viewer")), "429 API_RATE_LIMIT", "by its address");
  });

  it("counts requests that show no token by address, from its own machine too", async () => {
    const counts = await countOf(25, () => ask("GET", "/api/v1/access"));
    assert.deepEqual(counts, { "200": 20, "429 API_RATE_LIMIT": 5 });
  });

  it("writes of all these two lines, with how many they were, and each act of who is known", async () => {
    assert.equal(await ask("DELETE", "/api/v1/tokens/a-1", bearer("admin")), "404 RESOURCE_UNKNOWN");
    await server.close();
    const lines = (await readFile(join(folder.path, "data/audit/audit.jsonl"), "utf8"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as AuditLine);
    const refused = lines.filter(({ act }) => act === "requests.refused");
    assert.deepEqual(
      refused.map(({ who, facts }) => [who, facts?.["count"]]),
      [
        ["nobody", 1],
        ["nobody", 1_000],
      ],
    );
    const others = lines.filter(({ act }) => act !== "requests.refused");
    assert.deepEqual(
      others.map(({ who, facts }) => [who, facts?.["status"]]),
      [["admin", 404]],
    );
  });
});
