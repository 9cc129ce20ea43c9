import assert from "node:assert/strict";
import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { readAuthorization, readDeviceCredentials } from "../../../packages/server/src/lib/access/credentials.ts";
import { parseByteRange } from "../../../packages/server/src/lib/api/byte-range.ts";
import { jsonDepth } from "../../../packages/server/src/lib/api/json-depth.ts";
import {
  formatCursor,
  parseDeviceCursor,
  parseTimeCursor,
  parseUploadCursor,
} from "../../../packages/server/src/lib/api/page-cursor.ts";
import { parseBounds, parseRange } from "../../../packages/server/src/lib/api/parameters.ts";
import { parseRangeQuery } from "../../../packages/server/src/lib/api/routes/range-parameters.ts";
import { readParameters } from "../../../packages/server/src/lib/api/strict-validator.ts";
import { formatTime, parseTime } from "../../../packages/server/src/lib/api/time-parameter.ts";
import { signWebhook } from "../../../packages/server/src/lib/events/webhook-signature.ts";
import { RequestError } from "../../../packages/server/src/lib/kernel/errors.ts";
import { LiveRequestError, parseLiveRequest } from "../../../packages/server/src/lib/live/live-request.ts";
import { assertWhole, attempt, type FuzzTarget, jsonTarget, textTarget } from "./fuzz-target.ts";

const nowMs = Date.UTC(2026, 2, 1);
const maxTimeMs = 8.64e15;
const times = ["now", "-5m", "-1.5h", "-7d", "1772323200000", "2026-03-01", "2026-03-01T12:00:00.000Z"];
const zoned = ["2026-03-01T12:00:00+01:00", "2026-02-29T00:00Z", "2026-03-01T12:00:60.123456789-0130"];

const timeTarget = textTarget({
  name: "parseTime: time expressions of the API",
  seeds: [...times, ...zoned],
  maxBytes: 120,
  property: (parameters) =>
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 253_402_300_799_999 }), (timeMs) => {
        assert.equal(parseTime("from", formatTime(timeMs), nowMs), timeMs);
        assert.equal(parseTime("from", String(timeMs), nowMs), timeMs);
      }),
      parameters,
    ),
  check: (text) => {
    const timeMs = attempt(() => parseTime("from", text, nowMs), RequestError);
    if (timeMs === undefined) return;
    assert.ok(timeMs >= 0 && timeMs <= maxTimeMs, String(timeMs));
    formatTime(timeMs);
  },
});

const rangeTarget = textTarget({
  name: "parseBounds, parseRange, parseRangeQuery",
  seeds: times.flatMap((from) => ["now", "2026-04-01"].map((to) => `${from}|${to}|abc|0|160`)),
  maxBytes: 160,
  check: (text) => {
    const [from, to, session, fromSample, toSample] = text.split("|");
    const bounds = attempt(() => parseBounds(from, to, nowMs), RequestError);
    if (bounds !== undefined) assert.ok((bounds.fromMs ?? 0) < (bounds.toMs ?? Number.POSITIVE_INFINITY));
    const range = attempt(() => parseRange(from, to, nowMs), RequestError);
    if (range !== undefined) assert.ok(range.fromMs < range.toMs);
    const query = {
      ...(from && { from }),
      ...(to && { to }),
      ...(session && { session }),
      ...(fromSample && { from_sample: Number(fromSample) }),
      ...(toSample && { to_sample: Number(toSample) }),
    };
    attempt(() => parseRangeQuery("mic", query, nowMs), RequestError);
  },
});

const timeKey = fc.tuple(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.nat());

const cursorTarget = textTarget({
  name: "cursors of devices, sessions, segments and uploads",
  weight: 20,
  seeds: [
    formatCursor("mic-1"),
    formatCursor({ startMs: 5.25, id: 7 }),
    formatCursor({ startMs: 5, id: "abc" }),
    formatCursor([1, 5, 9]),
  ],
  maxBytes: 400,
  property: (parameters) =>
    fc.assert(
      fc.property(timeKey, ([startMs, id]) => {
        const key = { startMs: startMs === 0 ? 0 : startMs, id };
        assert.deepEqual(parseTimeCursor("segments", formatCursor(key)), key);
      }),
      parameters,
    ),
  check: (text) => {
    // The text is a cursor, or what one holds.
    for (const cursor of [text, Buffer.from(text).toString("base64url")]) {
      const name = attempt(() => parseDeviceCursor(cursor), RequestError);
      if (name !== undefined) assert.ok(typeof name === "string");
      const session = attempt(() => parseTimeCursor("sessions", cursor), RequestError);
      const segment = attempt(() => parseTimeCursor("segments", cursor), RequestError);
      for (const key of [session, segment]) if (key !== undefined) assert.ok(Number.isFinite(key.startMs));
      const place = attempt(() => parseUploadCursor(cursor), RequestError);
      if (place !== undefined) assertWhole(place[0], 0, 1, "the upload's class");
    }
  },
});

const byteRangeTarget = textTarget({
  name: "parseByteRange: Range headers",
  seeds: ["bytes=0-499", "bytes=500-", "bytes=-500", "bytes=0-0,5-6", "BYTES=1-2", "lines=1-2"],
  maxBytes: 600,
  property: (parameters) =>
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat(), (start, length, rest) => {
        const sizeBytes = start + length + 1 + rest;
        const range = parseByteRange(`bytes=${start}-${start + length}`, sizeBytes);
        assert.deepEqual(range, { kind: "part", start, end: start + length + 1 });
      }),
      parameters,
    ),
  check: (text) => {
    for (const sizeBytes of [0, 1, 500, Number.MAX_SAFE_INTEGER]) {
      const range = parseByteRange(text, sizeBytes);
      if (range.kind !== "part") continue;
      assertWhole(range.start, 0, sizeBytes - 1, "the range's start");
      assertWhole(range.end, range.start + 1, sizeBytes, "the range's end");
    }
  },
});

const parameterSchema = {
  properties: { limit: { type: "integer" }, resolution: { type: "number" }, all: { type: "boolean" }, from: {} },
};

const parameterTarget = textTarget({
  name: "readParameters: numbers and truth values in queries",
  seeds: ["limit=5&resolution=0.5&all=true&from=now", "limit=0x10", "__proto__=1&limit=1e3", "limit=00&all=yes"],
  maxBytes: 300,
  check: (text) => {
    const given = Object.fromEntries(new URLSearchParams(text));
    const read = readParameters(parameterSchema, given) as Readonly<Record<string, unknown>>;
    assert.deepEqual(Object.keys(read).sort(), Object.keys(given).sort());
    for (const [name, value] of Object.entries(read)) {
      // What became a number is written as answers write it.
      if (name === "limit" && typeof value === "number") assert.equal(String(value), given[name]);
    }
  },
});

const liveTarget = jsonTarget({
  name: "parseLiveRequest: what viewers send",
  weight: 30,
  seeds: [
    { type: "fleet", id: 1, hwids: ["mic-1", "~", "mic-2"] },
    { type: "device", id: 65_535, hwid: "mic-1", stream_id: 7, spectrum_bins: 256 },
    { type: "listen", id: 0, hwid: "~" },
    {
      type: "past",
      id: 4,
      hwid: "mic-1",
      session: "k3v9x0a1b2c3",
      from_sample: 0,
      to_sample: 48_000,
      spectrum_bins: 128,
    },
    { type: "stop", id: 3 },
  ],
  check: (text) => {
    const request = attempt(() => parseLiveRequest(text), LiveRequestError);
    if (request === undefined) return;
    assertWhole(request.id, 0, 65_535, "the id");
    assert.equal(JSON.stringify(parseLiveRequest(JSON.stringify(request))), JSON.stringify(request));
  },
});

/** Levels of a value, without recursion: nothing is too deep for it. */
function depthOf(value: unknown): number {
  let depth = 0;
  for (let level = [value]; ; depth += 1) {
    const holders = level.filter((each) => typeof each === "object" && each !== null);
    if (holders.length === 0) return depth;
    level = holders.flatMap((holder) => Object.values(holder as object));
  }
}

const depthTarget = jsonTarget({
  name: "jsonDepth: as deep as JSON.parse finds it",
  weight: 30,
  seeds: [{ name: "a", tags: ["x\\", '"[{', [[]]] }, [{ a: { b: [1, { c: null }] } }], "[[", 5],
  property: (parameters) =>
    fc.assert(
      fc.property(fc.jsonValue(), (value) => assert.equal(jsonDepth(JSON.stringify(value)), depthOf(value))),
      parameters,
    ),
  check: (text) => {
    const depth = jsonDepth(text);
    assertWhole(depth, 0, text.length, "the depth");
    for (const maxDepth of [0, 3, 32]) assert.equal(jsonDepth(text, maxDepth), Math.min(depth, maxDepth + 1));
    const value: unknown = attempt(() => JSON.parse(text), SyntaxError);
    if (value !== undefined && !text.includes('"__proto__"')) assert.ok(depthOf(value) <= depth);
  },
});

const basic = `Basic ${Buffer.from("AA:BB:CC:eet_d_x").toString("base64")}`;

const credentialTarget = textTarget({
  name: "readAuthorization, readDeviceCredentials",
  seeds: ["Bearer eet_d_abc", basic, "eet.v1+ack, eet.bearer.ZWV0X2RfYWJj", "/ws/mic?token=eet_d_abc", "basic  eA=="],
  maxBytes: 400,
  property: (parameters) =>
    fc.assert(
      fc.property(fc.stringMatching(/^[\w-]{1,60}$/), (secret) => {
        const protocol = `eet.v1+ack, eet.bearer.${Buffer.from(secret).toString("base64url")}`;
        assert.equal(readAuthorization(`Bearer ${secret}`)?.secret, secret);
        assert.equal(readDeviceCredentials({ "sec-websocket-protocol": protocol }, "/ws", false)?.secret, secret);
        assert.equal(readDeviceCredentials({}, `/ws?token=${secret}`, true)?.secret, secret);
        assert.equal(readDeviceCredentials({}, `/ws?token=${secret}`, false), undefined);
      }),
      parameters,
    ),
  check: (text) => {
    const found = [
      readAuthorization(text),
      readDeviceCredentials({ authorization: text }, "/ws", true),
      readDeviceCredentials({ "sec-websocket-protocol": text }, text, true),
    ];
    for (const each of found) assert.ok(each === undefined || typeof each.secret === "string");
  },
});

const signatureKey = Buffer.alloc(32, 9);
const receiver = new Webhook(signatureKey.toString("base64"));
const sentHeaders = (body: string) =>
  signWebhook({ id: "evt_1", timestampS: Math.floor(Date.now() / 1000), body }, signatureKey);

const signatureTarget = textTarget({
  name: "signWebhook: no other bytes pass a receiver",
  weight: 10,
  seeds: ['{"type":"segment.closed","id":1}', "{}", "null"],
  maxBytes: 500,
  property: (parameters) =>
    fc.assert(
      fc.property(fc.json(), (body) => assert.deepEqual(receiver.verify(body, sentHeaders(body)), JSON.parse(body))),
      parameters,
    ),
  check: (text) => {
    // Halves of characters are sent as U+FFFD.
    const body = JSON.stringify(text.toWellFormed());
    const headers = sentHeaders(body);
    assert.equal(receiver.verify(body, headers), text.toWellFormed());
    const isTaken = attempt(() => receiver.verify(`${body} `, headers) ?? true, Error);
    assert.equal(isTaken, undefined);
  },
});

/** What reads requests. */
export const apiTargets: readonly FuzzTarget[] = [
  ...[timeTarget, rangeTarget, cursorTarget, byteRangeTarget, parameterTarget],
  ...[liveTarget, depthTarget, credentialTarget, signatureTarget],
];
