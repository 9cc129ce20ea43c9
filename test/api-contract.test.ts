import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { checkAccess, checkLogLevel } from "./support/administration-contract.ts";
import { ApiServer } from "./support/api-server.ts";
import { ContractClient } from "./support/contract-client.ts";
import { SetupCodeLog } from "./support/setup-code.ts";
import { checkSimulations } from "./support/simulation-contract.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./support/temporary-folder.ts";

const startMs = Date.UTC(2026, 2, 1, 12);
const at = (second: number) => new Date(startMs + second * 1000).toISOString();
/** Ten seconds of audio with a gap of 0.4 s, in segments of 1 s. */
const kitchen = { hwid: "kitchen", startMs, frameCount: 500, missing: Array.from({ length: 20 }, (_, n) => 120 + n) };

let folder: TemporaryFolder;
const setup = new SetupCodeLog();
let server: ApiServer;
let client: ContractClient;
let sent: Buffer;

before(async () => {
  folder = await makeTemporaryFolder();
  server = await ApiServer.open(folder.path, { "run-on-segment": "exit 0" }, {}, { log: setup.log });
  client = await ContractClient.open(server);
  sent = await server.record(kitchen);
  await server.record({ hwid: "attic", startMs, frameCount: 60 });
  await server.record({ hwid: null, startMs, frameCount: 60 });
});
after(async () => {
  await server.close();
  await folder[Symbol.asyncDispose]();
});

const hwid = { path: { hwid: "kitchen" } };
const range = { from: at(1), to: at(5) };
const refuse = (operationId: string, call: Parameters<ContractClient["call"]>[1]) => client.refusal(operationId, call);

describe("the OpenAPI document", () => {
  it("is valid OpenAPI 3.1", async () => {
    const result = await new Validator().validate(structuredClone(client.document) as never);
    assert.deepEqual(result, { valid: true });
    assert.equal(client.document.openapi, "3.1.0");
    assert.equal(new Set(client.operationIds).size, client.operationIds.length);
  });
});

describe("devices", () => {
  it("are listed, found and paged", async () => {
    const { json } = await client.call("listDevices");
    const idsOf = (rows: readonly Readonly<Record<string, unknown>>[]) => rows.map((row) => row["hwid"]);
    assert.deepEqual(idsOf(json.devices).toSorted(), ["attic", "kitchen", null].toSorted());
    assert.deepEqual(idsOf(await client.pages("listDevices", "devices", { limit: 1 })), idsOf(json.devices));
    const found = (await client.call("listDevices", { query: { search: "ITCH" } })).json.devices;
    assert.deepEqual(idsOf(found), ["kitchen"]);
    assert.equal(await refuse("listDevices", { query: { limit: 1001 } }), "PARAMETER_INVALID");
    assert.equal(await refuse("listDevices", { query: { cursor: "zzz" } }), "PARAMETER_INVALID");
    assert.equal(await refuse("listDevices", { query: { colour: "red" } }), "PARAMETER_INVALID");
  });

  it("tell what was recorded of them, those without an id as ~", async () => {
    const { json } = await client.call("readDevice", hwid);
    assert.equal(json.totals.segments, 10);
    assert.equal(json.totals.media_s, 10);
    assert.equal(json.totals.gap_s, 0.4);
    assert.ok(Date.parse(json.last_seen) > startMs);
    const nobody = (await client.call("readDevice", { path: { hwid: "~" } })).json;
    assert.deepEqual([nobody.hwid, nobody.online, nobody.totals.segments], [null, null, 2]);
    assert.equal(await refuse("readDevice", { path: { hwid: "nobody" } }), "RESOURCE_UNKNOWN");
    assert.equal(await refuse("readDevice", { path: { hwid: "a/../b" } }), "PARAMETER_INVALID");
  });

  it("can be named and tagged", async () => {
    const body = { name: "Küche", tags: ["house", "ground-floor", "house"] };
    const { json } = await client.call("changeDevice", { ...hwid, body });
    assert.deepEqual([json.name, json.tags.toSorted()], ["Küche", ["ground-floor", "house"]]);
    const tagged = (await client.call("listDevices", { query: { tag: "house" } })).json.devices;
    assert.equal(tagged.length, 1);
    const kept = (await client.call("changeDevice", { ...hwid, body: { name: null } })).json;
    assert.deepEqual([kept.name, kept.tags.length], [null, 2]);
    assert.equal(await refuse("changeDevice", { ...hwid, body: {} }), "PARAMETER_INVALID");
    assert.equal(await refuse("changeDevice", { ...hwid, body: { name: "" } }), "PARAMETER_INVALID");
    assert.equal(await refuse("changeDevice", { ...hwid, body: { tags: [7] } }), "PARAMETER_INVALID");
    assert.equal(await refuse("changeDevice", { path: { hwid: "~" }, body }), "PARAMETER_INVALID");
    assert.equal(await refuse("changeDevice", { path: { hwid: "nobody" }, body }), "RESOURCE_UNKNOWN");
    const typed = { ...hwid, body, headers: { "content-type": "text/plain" } };
    assert.equal(await refuse("changeDevice", typed), "MEDIA_TYPE_INVALID");
    const long = { ...hwid, body: { name: "x".repeat(70_000) } };
    assert.equal(await refuse("changeDevice", long), "BODY_TOO_LARGE");
    const foreign = { ...hwid, body, headers: { origin: "http://evil.example" } };
    assert.equal(await refuse("changeDevice", foreign), "ORIGIN_REFUSED");
  });

  it("have a timeline of coverage, gaps and levels", async () => {
    const query = { from: at(0), to: at(10), resolution: 5 };
    const { json } = await client.call("readTimeline", { ...hwid, query });
    const covered = json.buckets.reduce((sum: number, bucket: { covered_s: number }) => sum + bucket.covered_s, 0);
    assert.ok(Math.abs(covered - 9.6) < 1e-6, `${covered} s are covered`);
    assert.equal(json.gaps.length, 1);
    assert.deepEqual([json.gaps[0].cause, json.gaps[0].duration_s, json.gaps[0].start], ["not-received", 0.4, at(2.4)]);
    await client.call("readTimeline", { path: { hwid: "~" }, query: { from: "-365d" } });
    assert.equal(await refuse("readTimeline", hwid), "PARAMETER_INVALID");
    assert.equal(await refuse("readTimeline", { ...hwid, query: { from: at(5), to: at(4) } }), "PARAMETER_INVALID");
    assert.equal(await refuse("readTimeline", { ...hwid, query: { from: "soon" } }), "PARAMETER_INVALID");
  });
});

describe("sessions", () => {
  it("are listed, of all and of one device", async () => {
    const all = (await client.call("listSessions")).json.sessions;
    assert.equal(all.length, 3);
    const [ofKitchen, ...others] = (await client.call("listSessionsOfDevice", hwid)).json.sessions;
    assert.equal(others.length, 0);
    assert.deepEqual([ofKitchen.samples, ofKitchen.gap_samples, ofKitchen.start], [160_000, 6_400, at(0)]);
    const nobody = (await client.call("listSessions", { query: { hwid: "~", order: "desc" } })).json.sessions;
    assert.deepEqual(
      nobody.map((session: { hwid: null }) => session.hwid),
      [null],
    );
    const late = (await client.call("listSessions", { query: { from: at(11) } })).json.sessions;
    assert.deepEqual(late, []);
    const one = await client.call("readSession", { path: { session: ofKitchen.session } });
    assert.deepEqual(one.json, ofKitchen);
    const first = (await client.call("listSessions", { query: { limit: 2 } })).json;
    const second = (await client.call("listSessions", { query: { limit: 2, cursor: first.next_cursor } })).json;
    assert.deepEqual([...first.sessions, ...second.sessions], all);
    assert.equal(await refuse("readSession", { path: { session: "nothing" } }), "RESOURCE_UNKNOWN");
    assert.equal(await refuse("readSession", { path: { session: "NO" } }), "PARAMETER_INVALID");
    assert.equal(await refuse("listSessionsOfDevice", { ...hwid, query: { order: "up" } }), "PARAMETER_INVALID");
  });
});

describe("segments", () => {
  it("are listed by what they are", async () => {
    const ids = async (query: Record<string, string | number | boolean>) =>
      (await client.call("listSegments", { query })).json.segments.map((segment: { index: number }) => segment.index);
    assert.deepEqual(await ids({ hwid: "kitchen" }), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.deepEqual(await ids({ hwid: "kitchen", order: "desc", limit: 2 }), [9, 8]);
    assert.deepEqual(await ids({ hwid: "kitchen", from: at(3), to: at(5) }), [3, 4]);
    assert.deepEqual(await ids({ hwid: "kitchen", has_gaps: true }), [2]);
    assert.deepEqual(await ids({ recovered: true }), []);
    assert.equal((await ids({ upload_state: "none" })).length, 14);
    assert.deepEqual(await ids({ upload_state: "stored" }), []);
    assert.deepEqual(await ids({ hwid: "kitchen", stream: 2 }), []);
    const sessions = (await client.call("listSessionsOfDevice", hwid)).json.sessions;
    assert.equal((await ids({ session: sessions[0].session })).length, 10);
    assert.equal(await refuse("listSegments", { query: { upload_state: "lost" } }), "PARAMETER_INVALID");
    assert.equal(await refuse("listSegments", { query: { hwid: "no good" } }), "PARAMETER_INVALID");
  });

  it("page through all, forwards and backwards, without losing or repeating one", async () => {
    for (const order of ["asc", "desc"]) {
      const rows = await client.pages("listSegments", "segments", { order, limit: 3 });
      const seen = rows.map((segment) => segment["id"]);
      assert.equal(new Set(seen).size, 14);
      assert.equal(seen.length, 14);
    }
  });

  it("show their files and gaps, and give them for download", async () => {
    const query = { hwid: "kitchen", has_gaps: true };
    const [{ id }] = (await client.call("listSegments", { query })).json.segments;
    const segment = (await client.call("readSegment", { path: { id } })).json;
    assert.equal(segment.gaps.length, 1);
    assert.equal(await refuse("readSegment", { path: { id: 4_711 } }), "RESOURCE_UNKNOWN");
    assert.equal(await refuse("readSegment", { path: { id: 0 } }), "PARAMETER_INVALID");
    for (const { kind, bytes, sha256, url } of segment.files) {
      const call = { path: { id, kind } };
      const whole = await client.call("downloadSegmentFile", call);
      assert.deepEqual([whole.status, whole.bytes.length, whole.headers.get("etag")], [200, bytes, `"${sha256}"`]);
      assert.equal(new URL(url, server.url).pathname, `/api/v1/segments/${id}/files/${kind}`);
      const part = await client.call("downloadSegmentFile", { ...call, headers: { range: "bytes=10-19" } });
      assert.equal(part.status, 206);
      assert.ok(part.bytes.equals(whole.bytes.subarray(10, 20)));
      const known = await client.call("downloadSegmentFile", { ...call, headers: { "if-none-match": `"${sha256}"` } });
      assert.equal(known.status, 304);
      const head = await client.call("downloadSegmentFile", { ...call, method: "HEAD" });
      assert.equal(head.headers.get("content-length"), String(bytes));
      const behind = { ...call, headers: { range: `bytes=${bytes}-` } };
      assert.equal(await refuse("downloadSegmentFile", behind), "BYTES_NOT_SATISFIABLE");
    }
    assert.equal(await refuse("downloadSegmentFile", { path: { id, kind: "exe" } }), "PARAMETER_INVALID");
    assert.equal(await refuse("downloadSegmentFile", { path: { id: 4_711, kind: "bin" } }), "RESOURCE_UNKNOWN");
  });
});

describe("audio of a range", () => {
  it("is what was sent, with its facts in the headers", async () => {
    const { bytes, headers } = await client.call("exportAudio", {
      ...hwid,
      query: { from: at(3), to: at(7), format: "raw" },
    });
    // 20 frames were missing before.
    const expected = sent.subarray((3 * 50 - 20) * 640, (7 * 50 - 20) * 640);
    assert.ok(bytes.equals(expected));
    const facts = ["from", "to", "sample-rate", "channels", "samples", "gap-count", "gaps", "overlap"];
    assert.deepEqual(
      facts.map((name) => headers.get(`eet-${name}`)),
      [at(3), at(7), "16000", "1", "64000", "0", "none", "none"],
    );
  });

  it("comes as WAV and FLAC, whole, in parts and by samples", async () => {
    const wav = await client.call("exportAudio", { ...hwid, query: range });
    assert.equal(wav.headers.get("content-length"), String(wav.bytes.length));
    assert.equal(wav.bytes.toString("latin1", 0, 4), "RIFF");
    assert.match(wav.headers.get("eet-gaps") ?? "", /^2026-03-01T12:00:02\.400Z\/0\.4\/not-received\/22400\/6400$/);
    assert.equal((await client.call("listAudioGaps", { ...hwid, query: range })).json.gap_count, 1);
    const part = await client.call("exportAudio", { ...hwid, query: range, headers: { range: "bytes=1000-1999" } });
    assert.equal(part.status, 206);
    assert.ok(part.bytes.equals(wav.bytes.subarray(1000, 2000)));
    const etag = wav.headers.get("etag") ?? "";
    assert.equal(
      (await client.call("exportAudio", { ...hwid, query: range, headers: { "if-none-match": etag } })).status,
      304,
    );
    const head = await client.call("exportAudio", { ...hwid, query: range, method: "HEAD" });
    assert.equal(head.headers.get("content-length"), String(wav.bytes.length));
    const flac = await client.call("exportAudio", { ...hwid, query: { ...range, format: "flac" } });
    assert.equal(flac.bytes.toString("latin1", 0, 4), "fLaC");
    const listed = await client.call("exportAudio", { ...hwid, query: { ...range, format: "raw", gaps: "list" } });
    assert.equal(listed.bytes.length, (4 - 0.4) * 32_000);
    const [{ session }] = (await client.call("listSessionsOfDevice", hwid)).json.sessions;
    const samples = { session, from_sample: 16_000, to_sample: 16_010, format: "raw" };
    assert.ok(
      (await client.call("exportAudio", { ...hwid, query: samples })).bytes.equals(sent.subarray(32_000, 32_020)),
    );
  });

  it("is refused with a reason", async () => {
    assert.equal(await refuse("exportAudio", hwid), "PARAMETER_INVALID");
    assert.equal(await refuse("exportAudio", { ...hwid, query: { ...range, format: "mp3" } }), "PARAMETER_INVALID");
    assert.equal(await refuse("exportAudio", { ...hwid, query: { session: "abc" } }), "PARAMETER_INVALID");
    assert.equal(await refuse("exportAudio", { ...hwid, query: { ...range, session: "abc" } }), "RANGE_EMPTY");
    const halves = { ...range, session: "abc", from_sample: 1, to_sample: 2 };
    assert.equal(await refuse("exportAudio", { ...hwid, query: halves }), "PARAMETER_INVALID");
    assert.equal(await refuse("exportAudio", { ...hwid, query: { ...range, from_sample: 1 } }), "PARAMETER_INVALID");
    assert.equal(await refuse("exportAudio", { ...hwid, query: { from: "0", to: "1000" } }), "RANGE_EMPTY");
    assert.equal(
      await refuse("exportAudio", { ...hwid, query: { ...range }, headers: { range: "bytes=900000-" } }),
      "BYTES_NOT_SATISFIABLE",
    );
  });

  it("is drawn as peaks and as a spectrogram", async () => {
    const { json, status } = await client.call("readPeaks", { ...hwid, query: { ...range, width: 40 } });
    assert.equal(status, 200, JSON.stringify(json));
    assert.deepEqual([json.width, json.peaks.length, json.peaks[0].length], [40, 1, 80]);
    const accept = { accept: "application/octet-stream" };
    const packed = await client.call("readPeaks", { ...hwid, query: { ...range, width: 40 }, headers: accept });
    assert.equal(packed.bytes.length, 160);
    const fromPacked = Array.from({ length: 80 }, (_, index) => packed.bytes.readInt16LE(index * 2));
    const gap = [32_767, -32_768];
    assert.deepEqual(
      fromPacked,
      json.peaks[0].map((value: number | null, index: number) => value ?? gap[index % 2]),
    );
    const png = await client.call("readSpectrogram", { ...hwid, query: { ...range, width: 64, height: 32 } });
    assert.equal(png.bytes.toString("latin1", 1, 4), "PNG");
    const raw = await client.call("readSpectrogram", {
      ...hwid,
      query: { ...range, width: 64, height: 32, format: "raw" },
    });
    assert.equal(raw.bytes.length, 64 * 32);
    assert.equal(await refuse("readPeaks", { ...hwid, query: { ...range, width: 0 } }), "PARAMETER_INVALID");
    assert.equal(await refuse("readSpectrogram", { ...hwid, query: { ...range, height: 2000 } }), "PARAMETER_INVALID");
  });
});

describe("events", () => {
  it("are read by cursor", async () => {
    const { json } = await client.call("listEvents");
    const types = new Set(json.events.map((event: { type: string }) => event.type));
    for (const type of ["segment.closed", "session.started", "gap.detected"]) assert.ok(types.has(type), type);
    const query = { types: "segment.closed, gap.detected", hwid: "kitchen", limit: 5 };
    const first = (await client.call("listEvents", { query })).json;
    const second = (await client.call("listEvents", { query: { ...query, after: first.next_after, limit: 1000 } }))
      .json;
    assert.equal(first.events.length + second.events.length, 11);
    assert.equal(second.next_after, second.last_id);
    assert.equal(await refuse("listEvents", { query: { types: "x" } }), "PARAMETER_INVALID");
    assert.equal(await refuse("listEvents", { query: { after: -1 } }), "PARAMETER_INVALID");
  });

  it("are followed by SSE, at both paths", async () => {
    assert.equal((await client.call("followEvents", { method: "HEAD" })).status, 200);
    for (const [path, accept] of [
      ["/api/v1/events/stream?after=0", "*/*"],
      ["/api/v1/events?after=0", "text/event-stream"],
    ] as const) {
      const ending = new AbortController();
      const response = await server.fetch(path, { headers: { accept }, signal: ending.signal });
      assert.equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      while (!text.includes("segment.closed")) text += (await reader.read()).value ?? assert.fail("the stream ended");
      assert.match(text, /^retry: 2000\n\nid: \d+\nevent: [a-z.]+\ndata: \{/);
      ending.abort();
    }
    assert.equal(await refuse("followEvents", { headers: { "last-event-id": "x" } }), "PARAMETER_INVALID");
    assert.equal(await refuse("followEvents", { query: { types: "x" } }), "PARAMETER_INVALID");
  });

  it("have deliveries, which can be looked at and repeated", async () => {
    const [target] = (await client.call("listDeliveries")).json.targets;
    assert.equal(target.target, "run-on-segment");
    const dead = await client.call("listDeadLetters", { query: { target: "run-on-segment" } });
    assert.deepEqual(dead.json, { dead_letters: [], next_cursor: null });
    const body = { target: "run-on-segment" };
    assert.deepEqual((await client.call("replayDeadLetters", { body })).json, { replayed: 0 });
    assert.equal(await refuse("replayDeadLetters", { body: {} }), "PARAMETER_INVALID");
    assert.equal(await refuse("replayDeadLetters", { body: { ids: ["a"] } }), "PARAMETER_INVALID");
    const { first_id, last_id } = (await client.call("listEvents")).json;
    const again = { target: "run-on-segment", from_id: first_id, to_id: last_id };
    assert.equal((await client.call("replayEvents", { body: again })).json.replayed, 14);
    assert.equal(await refuse("replayEvents", { body: { ...again, target: "nobody" } }), "RESOURCE_UNKNOWN");
  });
});

describe("the server", () => {
  it("tells its figures, at the root and within the API", async () => {
    const { headers, bytes } = await client.call("readMetrics");
    assert.equal(headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert.match(bytes.toString(), /^eet_frames_total 600$/m);
    assert.match(bytes.toString(), /^eet_segments\{state="local"\} 14$/m);
    assert.match(bytes.toString(), /^eet_viewers 0$/m);
    await client.call("readMetricsOfApi");
    await client.call("readOpenapi");
  });

  it("previews and runs the retention, tells of disk and uploads", async () => {
    const { json } = await client.call("previewRetention");
    assert.ok(json.local_bytes > 0);
    assert.deepEqual(json.devices, []);
    assert.equal((await client.call("runRetention", { body: {} })).status, 200);
    assert.equal((await client.call("readStorage")).json.uploads, null);
    assert.deepEqual((await client.call("listUploads", { query: { state: "failed" } })).json.uploads, []);
    assert.deepEqual((await client.call("retryUploads", { body: {} })).json, { retried: 0 });
    assert.equal(await refuse("runRetention", { body: { allow_most: "yes" } }), "PARAMETER_INVALID");
    assert.equal(
      await refuse("runRetention", { body: {}, headers: { "sec-fetch-site": "cross-site" } }),
      "ORIGIN_REFUSED",
    );
  });
});

describe("what must stay, and what must go", () => {
  it("is pinned, and unpinned", async () => {
    const body = { from: at(0), to: at(2), note: "the doorbell" };
    const added = await client.call("addPin", { ...hwid, body });
    assert.equal(added.status, 201);
    for (const id of ["listPins", "listAllPins"])
      assert.deepEqual((await client.call(id, hwid)).json.pins, [added.json]);
    const [{ id, pinned }] = (await client.call("listSegments", { query: { hwid: "kitchen" } })).json.segments;
    assert.equal(pinned, true);
    const reason = { reason: "a mistake" };
    assert.equal(await refuse("deleteSegment", { path: { id }, query: reason }), "SEGMENT_PINNED");
    assert.equal((await client.call("removePin", { path: { id: added.json.id } })).status, 204);
    assert.equal(await refuse("removePin", { path: { id: added.json.id } }), "RESOURCE_UNKNOWN");
    assert.equal(await refuse("addPin", { path: { hwid: "nobody" }, body }), "RESOURCE_UNKNOWN");
    assert.equal(await refuse("addPin", { ...hwid, body: { from: at(2), to: at(1) } }), "PARAMETER_INVALID");
    assert.equal(await refuse("addPin", { ...hwid, body: { to: at(1) } }), "PARAMETER_INVALID");
  });

  it("is deleted with a reason, one and by range", async () => {
    const [{ id }] = (await client.call("listSegments", { query: { hwid: "kitchen" } })).json.segments;
    assert.equal(await refuse("deleteSegment", { path: { id } }), "PARAMETER_INVALID");
    const query = { reason: "asked for by its owner" };
    assert.deepEqual((await client.call("deleteSegment", { path: { id }, query })).json.deleted, [id]);
    assert.equal(await refuse("deleteSegment", { path: { id }, query }), "RESOURCE_UNKNOWN");
    // The segments that reach over the edges stay.
    const ranged = { ...query, from: at(2.5), to: at(5.5) };
    const { json } = await client.call("deleteSegmentsOfDevice", { ...hwid, query: ranged });
    assert.deepEqual([json.deleted.length, json.pinned, json.has_more], [2, 0, false]);
    const left = (await client.call("listSegments", { query: { hwid: "kitchen" } })).json.segments;
    assert.deepEqual(
      left.map((segment: { index: number }) => segment.index),
      [1, 2, 5, 6, 7, 8, 9],
    );
    const told = (await client.call("listEvents", { query: { types: "segment.deleted" } })).json.events;
    assert.equal(told.length, 3);
    assert.equal(await refuse("deleteSegmentsOfDevice", { ...hwid, query: { from: at(0) } }), "PARAMETER_INVALID");
    assert.equal(
      await refuse("deleteSegmentsOfDevice", { path: { hwid: "nobody" }, query: ranged }),
      "RESOURCE_UNKNOWN",
    );
  });

  it("is logged more or less", () => checkLogLevel(client));
  it("can be simulated", () => checkSimulations(client));

  it("is protected, from the first administrator on", () => checkAccess(client, setup.code));

  it("leaves no operation of the document uncalled", () => {
    assert.deepEqual(
      client.operationIds.filter((operationId) => !client.succeeded.has(operationId)),
      [],
    );
  });
});
