import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setInterval as every } from "node:timers/promises";
import { ReadCoalescer } from "./ws-read-coalescer.ts";

const clientCount = 30;
const messageBytes = 100;

let server: Server;
let accepted: Socket[];
let clients: Socket[];
let coalescer: ReadCoalescer;
/** What came of each socket, read by read. */
let received: Buffer[][];
/** Reads past the stream. */
let polledCount: number;
const news = new EventEmitter();

beforeEach(async () => {
  accepted = [];
  clients = [];
  server = createServer((socket) => accepted.push(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterEach(async () => {
  coalescer.close();
  for (const socket of [...clients, ...accepted]) socket.destroy();
  server.close();
  await once(server, "close");
});

async function open(intervalMs: number): Promise<void> {
  coalescer = new ReadCoalescer(intervalMs);
  const { port } = server.address() as AddressInfo;
  for (let index = 0; index < clientCount; index++) clients.push(connect(port, "127.0.0.1").setNoDelay(true));
  while (accepted.length < clientCount) await once(server, "connection");
  received = accepted.map(() => []);
  polledCount = 0;
  for (const [index, socket] of accepted.entries()) {
    const take = (bytes: Buffer) => {
      received[index]?.push(Buffer.from(bytes));
      news.emit("read");
    };
    const takePolled = (bytes: Buffer) => {
      polledCount += 1;
      take(bytes);
      // It is written over by the next read.
      bytes.fill(0xa5);
    };
    coalescer.watch(socket, { take, takePolled });
  }
}

/** Sends messages of all clients, one each every `everyMs`, and gives what came of each and in how many reads. */
async function send(
  messageCount: number,
  everyMs = 10,
): Promise<{ readonly bytes: Buffer[]; readonly readCount: number }> {
  const before = received.map((list) => list.length);
  let sentCount = 0;
  for await (const _ of every(everyMs)) {
    for (const client of clients) client.write(Buffer.alloc(messageBytes, sentCount));
    sentCount += 1;
    if (sentCount === messageCount) break;
  }
  const own = () => received.map((list, index) => list.slice(before[index]));
  const countBytes = () =>
    own()
      .flat()
      .reduce((sum, { byteLength }) => sum + byteLength, 0);
  while (countBytes() < clientCount * messageCount * messageBytes) await once(news, "read");
  return { bytes: own().map((list) => Buffer.concat(list)), readCount: own().flat().length };
}

const expected = (messageCount: number) =>
  Buffer.concat(Array.from({ length: messageCount }, (_, index) => Buffer.alloc(messageBytes, index)));

describe("ReadCoalescer", () => {
  it("reads several messages at once while many sockets send, and all of them in order", async () => {
    await open(60);
    const { bytes, readCount } = await send(150);
    for (const one of bytes) assert.ok(one.equals(expected(150)));
    assert.ok(readCount < (clientCount * 150) / 2, `${readCount} reads for ${clientCount * 150} messages`);
    assert.ok(polledCount > clientCount, `${polledCount} of ${readCount} reads are past the stream`);
  });

  it("leaves no socket unread when it is closed", { timeout: 20_000 }, async () => {
    await open(500);
    await send(100);
    coalescer.close();
    const [client, socket] = [clients[0], accepted[0]];
    assert.ok(client !== undefined && socket !== undefined);
    const readCount = received[0]?.length;
    client.write("last");
    await once(socket, "data");
    assert.deepEqual(received[0]?.slice(readCount), [Buffer.from("last")]);
  });

  it("feeds no stream that is held up", { timeout: 20_000 }, async () => {
    await open(60);
    const [client, socket] = [clients[0], accepted[0]];
    assert.ok(client !== undefined && socket !== undefined);
    const flood = Buffer.alloc(64 * 1024);
    let heldBytes = 0;
    let round = 0;
    for await (const _ of every(5)) {
      round += 1;
      for (const other of clients.slice(1)) other.write(Buffer.alloc(messageBytes));
      client.write(round < 100 ? Buffer.alloc(messageBytes) : flood);
      if (round === 100) socket.pause();
      heldBytes = Math.max(heldBytes, socket.readableLength);
      if (round === 260) break;
    }
    assert.ok(heldBytes <= 256 * 1024, `${heldBytes} bytes are held`);
    let readBytes = 0;
    for await (const chunk of socket) {
      readBytes += (chunk as Buffer).byteLength;
      if (readBytes >= 160 * flood.byteLength) break;
    }
  });

  it("tells of the end behind all that came", { timeout: 20_000 }, async () => {
    await open(500);
    await send(100);
    const ends = accepted.map((socket) => once(socket, "end"));
    for (const client of clients) client.end("last");
    await Promise.all(ends);
    for (const list of received)
      assert.ok(Buffer.concat(list).equals(Buffer.concat([expected(100), Buffer.from("last")])));
  });

  it("leaves those to the system that bring nothing for long", { timeout: 20_000 }, async () => {
    await open(20);
    await send(100);
    const before = polledCount;
    await send(10, 100);
    assert.ok(polledCount - before < clientCount * 5, `${polledCount - before} reads are past the stream`);
  });

  it("does nothing when it is off", async () => {
    await open(0);
    const { bytes } = await send(50);
    for (const one of bytes) assert.ok(one.equals(expected(50)));
    assert.equal(polledCount, 0);
  });
});
