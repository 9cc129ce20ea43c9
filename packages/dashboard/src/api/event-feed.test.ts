import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { EventFeed } from "./event-feed.ts";

/** Node has it behind a flag only. */
const flag = "--experimental-eventsource";

/** A server of events that hands each request to the test. */
async function openEvents() {
  const server = createServer();
  const asked: ServerResponse[] = [];
  const waiting: ((response: ServerResponse) => void)[] = [];
  server.on("request", (_request, response) => {
    const take = waiting.shift();
    if (take === undefined) asked.push(response);
    else take(response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    next: () =>
      new Promise<ServerResponse>((resolve) => {
        const response = asked.shift();
        if (response === undefined) waiting.push(resolve);
        else resolve(response);
      }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function begin(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream" }).write(": hello\n\n");
}

if ("EventSource" in globalThis) {
  describe("EventFeed", () => {
    it("is opened again after a refusal, and tells of events", async () => {
      await using stack = new AsyncDisposableStack();
      const events = stack.use(await openEvents());
      const told = Promise.withResolvers<string>();
      const onEvent = ({ data }: MessageEvent<string>) => told.resolve(data);
      const feed = new EventFeed({ url: events.url, types: ["a"], onEvent, onReopen: () => undefined, retryMs: 10 });
      stack.defer(() => feed.close());
      feed.setHidden(false);
      (await events.next()).writeHead(503).end();
      (await events.next()).writeHead(503).end();
      const response = await events.next();
      begin(response);
      response.write("event: b\ndata: 1\n\nevent: a\ndata: 2\n\n");
      assert.equal(await told.promise, "2");
    });

    it("is closed while the page is hidden, and tells when it is open again", async () => {
      await using stack = new AsyncDisposableStack();
      const events = stack.use(await openEvents());
      const told = Promise.withResolvers<void>();
      const reopened = Promise.withResolvers<void>();
      let reopenCount = 0;
      const onReopen = () => {
        reopenCount += 1;
        reopened.resolve();
      };
      const feed = new EventFeed({ url: events.url, types: ["a"], onEvent: () => told.resolve(), onReopen });
      stack.defer(() => feed.close());
      feed.setHidden(false);
      const first = await events.next();
      begin(first);
      first.write("event: a\ndata: 1\n\n");
      await told.promise;
      assert.equal(reopenCount, 0);
      const closed = once(first, "close");
      feed.setHidden(true);
      await closed;
      feed.setHidden(false);
      begin(await events.next());
      await reopened.promise;
    });
  });
} else {
  describe("EventFeed where there are EventSources", () => {
    it("passes its tests", async () => {
      const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
      const flags = [flag, "--no-warnings", "--test-timeout=30000"];
      const child = spawn(process.execPath, [...flags, import.meta.filename], { env, timeout: 45_000 });
      let output = "";
      for (const stream of [child.stdout, child.stderr]) {
        stream.on("data", (data) => {
          output += String(data);
        });
      }
      const [code] = await once(child, "close");
      assert.equal(code, 0, output);
      assert.match(output, /pass 2/);
    });
  });
}
