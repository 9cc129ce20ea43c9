import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { runEet } from "./command-harness.test-support.ts";
import { TestLibrary } from "./library/library.test-support.ts";

interface Event {
  readonly id: number;
  readonly type: string;
  readonly hwid: string | null;
}

let library: TestLibrary;
before(async () => {
  library = await TestLibrary.open();
  await library.restartServer({ "run-on-segment": "true" });
});
after(() => library.close());

const parse = (out: string) =>
  out
    .split("\n")
    .filter(Boolean)
    .map((line): Event => JSON.parse(line));

const recorded = ["session.started", "segment.closed", "segment.closed", "segment.closed", "session.ended"];

describe("eet events", () => {
  it("lists what happened, oldest first, from a server and from a folder", async () => {
    for (const { exitCode, out, err } of await library.both(["events", "--type", "session.started,session.ended"])) {
      assert.deepEqual([exitCode, err], [0, ""]);
      const rows = out.trimEnd().split("\n");
      assert.match(
        rows[0] ?? "",
        /^\d+ {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d {2}session\.started {3}kitchen {7}session=\w+ stream_id=1 /,
      );
      assert.match(rows[1] ?? "", / {2}session\.ended {5}kitchen /);
      assert.equal(rows.length, 2);
    }
  });

  it("gives events as webhooks get them as JSON, the same from both, those of a device behind an id", async () => {
    const types = "session.started,segment.closed,session.ended";
    const [byServer, byFolder] = await library.both(["events", "--json", "--type", types, "--hwid", "kitchen"]);
    const events = parse(byServer.out);
    assert.deepEqual(
      events.map(({ type }) => type),
      recorded,
    );
    assert.equal(byFolder.out, byServer.out);
    const after = String(events[1]?.id);
    for (const { out } of await library.both(["events", "--json", "--type", types, "--after", after]))
      assert.deepEqual(parse(out), events.slice(2));
    for (const { out, err } of await library.both(["events", "--hwid", "attic"]))
      assert.deepEqual([out, err], ["", "no events\n"]);
  });

  it("follows what comes, until it is interrupted", async () => {
    const answer = await fetch(`${library.url}/api/v1/events?limit=1`);
    const { last_id: lastId } = (await answer.json()) as { readonly last_id: number };
    const controllers = [new AbortController(), new AbortController()];
    const places = [
      ["--url", library.url],
      ["--data", library.data],
    ];
    const following = places.map(async (place, at) => {
      const controller = controllers[at];
      assert.ok(controller !== undefined);
      let text = "";
      const sink = (more: string) => {
        text += more;
        if (text.includes("session.ended")) controller.abort();
      };
      const args = ["events", "--follow", "--after", String(lastId), "--json", "--hwid", "desk", ...place];
      const outcome = await runEet(args, {
        interruption: controller.signal,
        onOut: sink,
        folder: library.recorded.path,
      });
      return { ...outcome, events: parse(outcome.out) };
    });
    await library.record("desk");
    for (const { exitCode, events } of await Promise.all(following)) {
      assert.equal(exitCode, 0);
      const ofSegments = events.filter(({ type }) => recorded.includes(type)).map(({ type }) => type);
      assert.deepEqual(ofSegments, recorded);
      assert.equal(events.at(-1)?.type, "session.ended");
    }
  });

  it("goes on behind the last event when the server is started again", async () => {
    // Stands for the address that a server keeps: this one gets another port each time.
    const refused = new EventEmitter();
    const front = createServer(async (request, response) => {
      try {
        const answer = await fetch(`${library.url}${request.url}`);
        response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" });
        response.end(await answer.text());
      } catch {
        response.destroy();
        refused.emit("refused");
      }
    });
    await once(front.listen(0, "127.0.0.1"), "listening");
    const { port } = front.address() as AddressInfo;
    try {
      const place = ["--url", `http://127.0.0.1:${port}`];
      const before = parse((await runEet(["events", "--json", ...place])).out);
      const controller = new AbortController();
      let text = "";
      const onOut = (more: string) => {
        text += more;
        if (text.split("session.ended").length > 2) controller.abort();
        else if (text.includes("session.ended")) refused.emit("ended");
      };
      const args = ["events", "--follow", "--after", String(before.at(-1)?.id), "--json", "--hwid", "porch", ...place];
      const following = runEet(args, { interruption: controller.signal, onOut });
      const ended = once(refused, "ended");
      await library.record("porch");
      await ended;
      await library.stopServer();
      await once(refused, "refused");
      await library.restartServer({ "run-on-segment": "true" });
      await library.record("porch");
      const { exitCode, out, err } = await following;
      assert.equal(exitCode, 0, err);
      assert.match(err, /^http\S+ does not answer: asked again until it does\nit answers again\n$/);
      const events = parse(out);
      const ofSegments = events.filter(({ type }) => recorded.includes(type)).map(({ type }) => type);
      assert.deepEqual(ofSegments, [...recorded, ...recorded]);
      assert.equal(new Set(events.map(({ id }) => id)).size, events.length);
    } finally {
      front.close();
      front.closeAllConnections();
    }
  });

  it("refuses types that there are not, by the API's words", async () => {
    for (const { exitCode, err } of await library.both(["events", "--type", "nothing"])) {
      assert.equal(exitCode, 1);
      assert.match(err, /^eet events: PARAMETER_INVALID: types has "nothing"; allowed: segment\.closed, /);
    }
  });
});

describe("eet events replay", () => {
  it("has a server deliver events of the log again", async () => {
    const { out } = await runEet([
      "events",
      "--type",
      "segment.closed",
      "--hwid",
      "kitchen",
      "--json",
      "--url",
      library.url,
    ]);
    const ids = parse(out).map(({ id }) => id);
    const range = ["--from", String(ids[0]), "--to", String(ids[1])];
    const args = ["events", "replay", ...range, "--target", "run-on-segment", "--url", library.url];
    assert.deepEqual(await runEet(args), { exitCode: 0, out: "2 deliveries put back\n", err: "" });
    const unknown = await runEet(["events", "replay", ...range, "--target", "webhook:x", "--url", library.url]);
    assert.equal(unknown.exitCode, 1);
    assert.match(unknown.err, /RESOURCE_UNKNOWN: the target "webhook:x" is not known/);
  });

  it("puts back what was given up, of which there is nothing", async () => {
    const args = ["events", "replay", "--dead", "--json", "--url", library.url];
    assert.deepEqual(await runEet(args), { exitCode: 0, out: '{"replayed":0}\n', err: "" });
  });

  it("leaves a folder alone on which a server runs", async () => {
    const args = ["events", "replay", "--dead", "--target", "run-on-segment", "--data", library.data];
    const { exitCode, err } = await runEet(args, { folder: library.recorded.path });
    assert.equal(exitCode, 1);
    assert.match(err, /data is in use by pid \d+/);
  });

  it("wants to know what to replay", async () => {
    const nothing = await runEet(["events", "replay"]);
    assert.equal(nothing.exitCode, 2);
    assert.match(nothing.err, /give either --dead or --from ID --to ID --target NAME\n$/);
    const half = await runEet(["events", "replay", "--from", "1", "--url", library.url]);
    assert.equal(half.exitCode, 2);
    assert.match(half.err, /takes all of --from ID, --to ID and --target NAME\n$/);
  });
});
