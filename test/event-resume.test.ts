import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ApiServer } from "./support/api-server.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

const startMs = Date.UTC(2026, 2, 1, 12);

/** Follows the events until one of them is as wished, then goes away. @returns ids in the order they came */
async function follow(
  server: ApiServer,
  lastEventId: number | undefined,
  isLast: (id: number) => boolean,
): Promise<number[]> {
  const ending = new AbortController();
  const headers = lastEventId === undefined ? {} : { "last-event-id": String(lastEventId) };
  const response = await server.fetch("/api/v1/events/stream?after=0", { headers, signal: ending.signal });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  const ids: number[] = [];
  for (let text = ""; ; ) {
    const { value, done } = await reader.read();
    if (done) return ids;
    text += value;
    const messages = text.split("\n\n");
    text = messages.pop() ?? "";
    for (const message of messages) {
      const [, id] = /^id: (\d+)$/m.exec(message) ?? [];
      if (id === undefined) continue;
      ids.push(Number(id));
      if (!isLast(Number(id))) continue;
      ending.abort();
      return ids;
    }
  }
}

async function allIds(server: ApiServer): Promise<readonly number[]> {
  const { events } = await server.json<{ events: { id: number }[] }>("/api/v1/events?limit=1000");
  return events.map(({ id }) => id);
}

describe("GET /api/v1/events/stream", () => {
  it("loses and repeats nothing for a client that resumes, over a restart of the server", async () => {
    await using folder = await makeTemporaryFolder();
    const seen: number[] = [];
    await using first = await ApiServer.open(folder.path);
    await first.record({ hwid: "kitchen", startMs, frameCount: 200 });
    const known = await allIds(first);
    // In the middle of what is there.
    seen.push(...(await follow(first, undefined, (id) => id === known[2])));
    await first.record({ hwid: "attic", startMs, frameCount: 200 });
    const isNever = () => false;
    const untilTheStop = follow(first, seen.at(-1), isNever);
    await first.record({ hwid: "hall", startMs, frameCount: 100 });
    await first.close();
    seen.push(...(await untilTheStop));
    await using second = await ApiServer.open(folder.path);
    await second.record({ hwid: "cellar", startMs, frameCount: 100 });
    const last = (await allIds(second)).at(-1);
    seen.push(...(await follow(second, seen.at(-1), (id) => id === last)));
    const all = await allIds(second);
    assert.ok(all.length >= 15);
    assert.deepEqual(seen, all.slice(0, seen.length));
    assert.ok(seen.includes(last ?? 0));
  });
});
