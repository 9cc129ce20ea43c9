import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { finished } from "node:stream/promises";
import { describe, it } from "node:test";
import { ChunkMemory, chunkBytes } from "../playback/chunk-memory.ts";
import { LentBody } from "./lent-body.ts";

/** More than the system's buffers of a socket hold. */
const manyCount = 100;

/** Full chunks, each of its own number. */
async function* numbered(memory: ChunkMemory, count: number, blocks = new Set<ArrayBufferLike>()) {
  for (let index = 0; index < count; index += 1) {
    const chunk = memory.take(chunkBytes).fill(index);
    blocks.add(chunk.buffer);
    yield chunk;
  }
}

/** A server whose answers are made by `answer`. */
async function serve(answer: (response: ServerResponse) => void) {
  const server = createServer((_, response) => answer(response)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

describe("LentBody", () => {
  it("sends all chunks as they were, from memory that is used again, to a client that is slow", async () => {
    const blocks = new Set<ArrayBufferLike>();
    await using server = await serve((response) => {
      const memory = new ChunkMemory();
      new LentBody(numbered(memory, manyCount, blocks), memory).pipe(response);
    });
    const { body } = await fetch(server.url);
    assert.ok(body);
    let at = 0;
    for await (const piece of body as AsyncIterable<Uint8Array>) {
      for (let left = piece; left.byteLength > 0; ) {
        const own = left.subarray(0, chunkBytes - (at % chunkBytes));
        assert.ok(own.every((byte) => byte === Math.floor(at / chunkBytes)));
        at += own.byteLength;
        left = left.subarray(own.byteLength);
      }
    }
    assert.equal(at, manyCount * chunkBytes);
    assert.ok(blocks.size <= 3, `${blocks.size} blocks`);
  });

  it("ends with what fails", async () => {
    const failure = new Error("gone");
    const ended = Promise.withResolvers<unknown>();
    await using server = await serve((response) => {
      const memory = new ChunkMemory();
      async function* chunks() {
        yield* numbered(memory, 1);
        throw failure;
      }
      const body = new LentBody(chunks(), memory);
      finished(body).catch((error: unknown) => {
        ended.resolve(error);
        response.destroy();
      });
      body.pipe(response);
    });
    await assert.rejects(fetch(server.url).then((answer) => answer.bytes()));
    assert.equal(await ended.promise, failure);
  });

  it("lets go of what it reads from when it is destroyed while a client does not read", async () => {
    const isReleased = Promise.withResolvers<void>();
    await using server = await serve((response) => {
      const memory = new ChunkMemory();
      async function* chunks() {
        try {
          yield* numbered(memory, manyCount);
        } finally {
          isReleased.resolve();
        }
      }
      const body = new LentBody(chunks(), memory);
      response.once("close", () => body.destroy());
      body.pipe(response);
    });
    const client = connect(server.port, "127.0.0.1");
    client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await once(client, "readable");
    client.destroy();
    await isReleased.promise;
  });
});
