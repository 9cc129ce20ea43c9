import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type ClientRequest, get, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import Fastify, { type FastifyInstance } from "fastify";
import type { Catalog } from "../catalog/catalog.ts";
import { openCatalog } from "../catalog/sqlite-catalog.ts";
import { EventFeed } from "../events/event-feed.ts";
import { systemClock } from "../kernel/clock.ts";
import { silentLog } from "../kernel/log.ts";
import { sendProblem, toServerError } from "./error-answers.ts";
import { EventStreams, type EventStreamsOptions } from "./event-streams.ts";

let folder: string;
let catalog: Catalog;
let app: FastifyInstance;
let streams: EventStreams;
let url: string;
const clients: Client[] = [];

/** A client of server-sent events that reads messages one at a time. */
class Client {
  readonly #request: ClientRequest;
  readonly #response: IncomingMessage;
  readonly #messages: AsyncGenerator<string>;
  #text = "";

  private constructor(request: ClientRequest, response: IncomingMessage) {
    this.#request = request;
    this.#response = response;
    this.#messages = this.#read();
    clients.push(this);
  }

  static async open(path = "/events"): Promise<Client> {
    const request = get(`${url}${path}`);
    const [response] = (await once(request, "response")) as [IncomingMessage];
    return new Client(request, response);
  }

  get status(): number | undefined {
    return this.#response.statusCode;
  }

  /** The next message or comment; `undefined` at the end. */
  async next(): Promise<string | undefined> {
    const { value, done } = await this.#messages.next();
    return done === true ? undefined : value;
  }

  close(): void {
    this.#request.destroy();
  }

  async *#read(): AsyncGenerator<string> {
    this.#response.setEncoding("utf8");
    this.#response.on("error", () => {});
    for await (const piece of this.#response) {
      this.#text += piece;
      const messages = this.#text.split("\n\n");
      this.#text = messages.pop() ?? "";
      yield* messages;
    }
  }
}

const append = (...hwids: string[]) =>
  catalog.events.append(hwids.map((hwid) => ({ type: "device.online", hwid, data: { since: "now" } })));

/** Ids of all events, in order. */
async function ids(): Promise<readonly number[]> {
  return (await catalog.events.read({ afterId: 0, limit: 100 })).map(({ id }) => id);
}

/** Lines of a client's next messages that name the event. */
async function nextIds(client: Client, count: number): Promise<readonly string[]> {
  const lines: string[] = [];
  while (lines.length < count) lines.push((await client.next())?.split("\n")[0] ?? "");
  return lines;
}

async function openApp(options: Pick<EventStreamsOptions, "heartbeatMs" | "bounds"> = {}): Promise<void> {
  const { events } = catalog;
  streams = new EventStreams({ events, feed: new EventFeed(events), ...options });
  app = Fastify({ forceCloseConnections: true });
  app.setErrorHandler((error, request, reply) => sendProblem(reply, toServerError(error as never, request, silentLog)));
  app.get<{ Querystring: { after?: string } }>("/events", (request, reply) => {
    const { after } = request.query;
    return streams.open(request, reply, after === undefined ? undefined : Number(after), {});
  });
  app.addHook("preClose", () => streams.close());
  url = await app.listen({ port: 0, host: "127.0.0.1" });
}

describe("EventStreams", () => {
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "eet-sse-"));
    catalog = await openCatalog({ path: join(folder, "catalog.db"), log: silentLog, clock: systemClock });
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await app.close();
    await catalog.close();
    await rm(folder, { recursive: true });
  });

  it("begins with what comes, when no event is named", async () => {
    await openApp();
    await append("old");
    const client = await Client.open();
    assert.equal(await client.next(), "retry: 2000");
    await append("new");
    const [id, type, data] = ((await client.next()) ?? "").split("\n");
    assert.deepEqual([id, type], [`id: ${(await ids())[1]}`, "event: device.online"]);
    const event = JSON.parse(data?.replace(/^data: /, "") ?? "");
    assert.deepEqual([event.type, event.hwid, event.data], ["device.online", "new", { since: "now" }]);
  });

  it("goes on behind an event, and then with what comes", async () => {
    await openApp();
    await append("a", "b", "c");
    const client = await Client.open(`/events?after=${(await ids())[0]}`);
    await client.next();
    const seen = [...(await nextIds(client, 2))];
    await append("d");
    seen.push(...(await nextIds(client, 1)));
    assert.deepEqual(
      seen,
      (await ids()).slice(1).map((id) => `id: ${id}`),
    );
  });

  it("gives all that is kept to whoever asks for what comes behind 0", async () => {
    await openApp();
    await append("a", "b");
    const client = await Client.open("/events?after=0");
    await client.next();
    assert.deepEqual(
      await nextIds(client, 2),
      (await ids()).map((id) => `id: ${id}`),
    );
  });

  it("tells when events between are gone", async () => {
    await openApp();
    await append("a", "b", "c");
    const [first = 0, , last = 0] = await ids();
    const late = await Client.open(`/events?after=${first - 2}`);
    await late.next();
    assert.equal(await late.next(), `event: log.gap\ndata: {"first_id":${first},"last_id":${last}}`);
    assert.deepEqual(await nextIds(late, 1), [`id: ${first}`]);
    const early = await Client.open(`/events?after=${last + 5}`);
    await early.next();
    assert.match((await early.next()) ?? "", /^event: log\.gap\n/);
    await append("d");
    assert.deepEqual(await nextIds(early, 1), [`id: ${(await ids()).at(-1)}`]);
  });

  it("sends comments while nothing happens", async () => {
    await openApp({ heartbeatMs: 20 });
    const client = await Client.open();
    await client.next();
    assert.equal(await client.next(), ": still here");
    assert.equal(await client.next(), ": still here");
    await append("a");
    const messages: (string | undefined)[] = [];
    do messages.push(await client.next());
    while (messages.at(-1)?.startsWith(":"));
    assert.match(messages.at(-1) ?? "", /^id: \d+\n/);
  });

  it("refuses more clients than it may have, and takes another when one has gone", async () => {
    await openApp({ bounds: () => ({ maxClientCount: 1, maxPerAddress: 1 }), heartbeatMs: 10 });
    const first = await Client.open();
    const refused = await fetch(`${url}/events`);
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get("retry-after"), "5");
    assert.equal(JSON.parse(await refused.text()).code, "EVENT_STREAM_LIMIT");
    first.close();
    while (streams.clientCount > 0) await new Promise(setImmediate);
    const second = await Client.open();
    assert.equal(second.status, 200);
  });

  it("ends when the server stops, and takes no more", async () => {
    await openApp();
    const client = await Client.open();
    await client.next();
    const closing = app.close();
    assert.equal(await client.next(), undefined);
    await closing;
    assert.equal(streams.clientCount, 0);
  });

  it("answers HEAD without following anything", async () => {
    await openApp();
    const response = await fetch(`${url}/events`, { method: "HEAD" });
    assert.deepEqual(
      [response.status, response.headers.get("content-type")],
      [200, "text/event-stream; charset=utf-8"],
    );
    assert.equal(streams.clientCount, 0);
  });
});
