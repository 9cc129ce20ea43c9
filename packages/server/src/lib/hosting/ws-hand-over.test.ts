import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { afterEach, beforeEach, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { Upgrade } from "../ingest/connection-taker.ts";
import type { HandedSocketNews } from "./handed-socket.test-support.ts";
import { UpgradeSource } from "./upgrade-source.test-support.ts";
import { detachUpgrade } from "./ws-hand-over.ts";

let child: ChildProcess;
let source: UpgradeSource;

beforeEach(async () => {
  const entry = fileURLToPath(new URL("./handed-socket.test-support.ts", import.meta.url));
  child = fork(entry, [], { serialization: "advanced" });
  source = await UpgradeSource.open();
});

afterEach(async () => {
  child.kill("SIGKILL");
  await source[Symbol.asyncDispose]();
});

function handOver(upgrade: Upgrade): void {
  child.send(detachUpgrade(upgrade).plain, upgrade.socket as Socket, {}, () => upgrade.socket.destroy());
}

async function nextNews(): Promise<HandedSocketNews> {
  const [news] = await once(child, "message");
  return news as HandedSocketNews;
}

/** Bytes that tell where they stand. */
function numbered(count: number, from = 0): Buffer {
  return Buffer.from(Uint32Array.from({ length: count }, (_, index) => from + index).buffer);
}

/** Reads until so many bytes have come back. */
async function echoed(client: Socket, byteCount: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let readCount = 0;
  while (readCount < byteCount) {
    const [chunk] = (await once(client, "data")) as [Buffer];
    chunks.push(chunk);
    readCount += chunk.byteLength;
  }
  return Buffer.concat(chunks);
}

describe("a socket that is handed over", () => {
  it("comes with the bytes that stood behind the request, and with no secret of it", async () => {
    const behind = numbered(500);
    const { client, upgrade } = await source.next(behind);
    assert.equal(upgrade.head.byteLength, behind.byteLength);
    const told = nextNews();
    handOver(upgrade);
    assert.deepEqual(await echoed(client, behind.byteLength), behind);
    const expected = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-key": "k" };
    assert.deepEqual(await told, { type: "taken", url: "/ws/mic", headers: expected });
  });

  it("comes with what was read of it here meanwhile", async () => {
    const { client, upgrade } = await source.next(numbered(3));
    client.write(numbered(3, 3));
    await once(upgrade.socket, "readable");
    handOver(upgrade);
    assert.deepEqual(await echoed(client, 24), numbered(6));
  });

  it("loses and doubles nothing of what is sent while it is on its way", async () => {
    for (let round = 0; round < 10; round++) {
      const { client, upgrade } = await source.next(numbered(1));
      const sent = [numbered(1)];
      const echo = echoed(client, 4 * 201);
      for (let index = 0; index < 200; index++) {
        const bytes = numbered(1, index + 1);
        sent.push(bytes);
        client.write(bytes);
        if (index === 20 * round) handOver(upgrade);
        // So that packets come one by one, some before and some behind the hand-over.
        if (index % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      assert.deepEqual(await echo, Buffer.concat(sent), `handed over behind ${20 * round} writes`);
      client.destroy();
    }
  });

  it("ends there when its client goes on the way", async () => {
    const { client, upgrade } = await source.next(numbered(1));
    client.resetAndDestroy();
    const news: HandedSocketNews[] = [];
    const listen = (each: HandedSocketNews) => news.push(each);
    child.on("message", listen);
    handOver(upgrade);
    while (!news.some(({ type }) => type === "ended" || type === "gone")) await once(child, "message");
    child.off("message", listen);
  });

  it("is not there any more where it was closed here before", async () => {
    const { upgrade } = await source.next(numbered(1));
    upgrade.socket.destroy();
    const told = nextNews();
    handOver(upgrade);
    assert.deepEqual(await told, { type: "gone" });
  });
});
