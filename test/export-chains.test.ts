import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ApiServer } from "./support/api-server.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./support/temporary-folder.ts";

const startMs = Date.UTC(2026, 2, 1, 12);
const rateHz = 44_100;
const frameSampleCount = 320;
const frameCount = 280;
/** 60 of them: more than a header lists. */
const missing = Array.from({ length: 60 }, (_, index) => 100 + index * 3);

interface Gap {
  readonly start: string;
  readonly from_sample: number;
  readonly samples: number;
  readonly cause: string;
}

interface GapPage {
  readonly gap_count: number;
  readonly gaps: readonly Gap[];
  readonly next_cursor: string | null;
}

let folder: TemporaryFolder;
let server: ApiServer;
let sent: Buffer;

before(async () => {
  folder = await makeTemporaryFolder();
  server = await ApiServer.open(folder.path);
  sent = await server.record({ hwid: "hall", startMs, frameCount, missing, sampleRateHz: rateHz });
});
after(async () => {
  await server.close();
  await folder[Symbol.asyncDispose]();
});

function ask(path: string, query: Readonly<Record<string, string>>, headers: Record<string, string> = {}) {
  return server.fetch(`/api/v1/devices/hall/${path}?${new URLSearchParams(query)}`, { headers });
}

async function readRaw(from: string, to: string, gaps: string) {
  const response = await ask("audio", { from, to, gaps, format: "raw" });
  assert.equal(response.status, 200);
  return { bytes: Buffer.from(await response.arrayBuffer()), headers: response.headers };
}

const at = (ms: number) => String(startMs + ms);
const endMs = (frameCount * frameSampleCount * 1000) / rateHz;

describe("exports of a range, one behind the other", () => {
  for (const gaps of ["silence", "list"])
    it(`give what one export of it gives, sample for sample: gaps=${gaps}`, async () => {
      const whole = await readRaw(at(0), at(endMs), gaps);
      const parts: Buffer[] = [];
      let from = at(0);
      for (const cutMs of [17.3, 333.333, 333.4, 700.0113, 1_500, endMs]) {
        const { bytes, headers } = await readRaw(from, at(cutMs), gaps);
        parts.push(bytes);
        assert.equal(headers.get("eet-from"), parts.length === 1 ? "2026-03-01T12:00:00.000Z" : from);
        from = headers.get("eet-to") ?? "";
      }
      assert.ok(Buffer.concat(parts).equals(whole.bytes));
      if (gaps === "list") assert.ok(whole.bytes.equals(sent));
    });

  it("tell each gap in samples, the first 50 in the header and all of them by pages", async () => {
    const range = { from: at(0), to: at(endMs) };
    const { headers } = await ask("audio", range, { range: "bytes=0-0" });
    const listed = (headers.get("eet-gaps") ?? "").split(", ");
    const found: Gap[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const response = await ask("audio/gaps", { ...range, limit: "25", ...(cursor !== "" && { cursor }) });
      assert.equal(response.status, 200);
      const page = (await response.json()) as GapPage;
      assert.equal(page.gap_count, missing.length);
      found.push(...page.gaps);
      cursor = page.next_cursor;
    }
    assert.deepEqual(
      found.map(({ from_sample, samples, cause }) => [from_sample, samples, cause]),
      missing.map((seq) => [seq * frameSampleCount, frameSampleCount, "not-received"]),
    );
    assert.deepEqual(
      listed.map((gap) => gap.split("/").filter((_, field) => field !== 1)),
      found
        .slice(0, 50)
        .map(({ start, from_sample, samples, cause }) => [start, cause, String(from_sample), String(samples)]),
    );
    assert.equal((await ask("audio/gaps", { ...range, cursor: "bnVsbA" })).status, 400);
  });

  it("are not sent again to those who have them, as FLAC too", async () => {
    for (const format of ["flac", "wav"]) {
      const query = { from: at(0), to: at(100), format };
      const first = await ask("audio", query);
      await first.arrayBuffer();
      const etag = first.headers.get("etag") ?? "";
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"])
        assert.equal((await ask("audio", query, { "if-none-match": known })).status, 304, known);
      const other = await ask("audio", query, { "if-none-match": '"other", W/"more"' });
      assert.equal(other.status, 200);
      await other.arrayBuffer();
    }
  });
});
