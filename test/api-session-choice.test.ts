import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ApiServer } from "./support/api-server.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

const startMs = Date.UTC(2026, 2, 1, 12);
const path = "/api/v1/devices/kitchen";
const range = "from=2026-03-01T12:00:00Z&to=2026-03-01T12:00:01Z";

interface Problem {
  readonly code: string;
  readonly detail: string;
  readonly fix: string;
}

describe("a range in which sessions of different rates overlap", () => {
  it("is given of the session that is named, which the refusal tells how to do", async () => {
    await using folder = await makeTemporaryFolder();
    await using server = await ApiServer.open(folder.path);
    const wide = await server.record({ hwid: "kitchen", startMs, frameCount: 100 });
    const narrow = await server.record({ hwid: "kitchen", startMs: startMs + 1, frameCount: 50, sampleRateHz: 8_000 });
    const { sessions } = await server.json<{ sessions: { session: string }[] }>(`${path}/sessions`);
    const [first = "", second = ""] = sessions.map(({ session }) => session);

    for (const name of ["audio", "peaks", "spectrogram"]) {
      const answer = await server.fetch(`${path}/${name}?${range}`);
      const { code, detail, fix } = JSON.parse(await answer.text()) as Problem;
      assert.deepEqual([answer.status, code], [409, "RANGE_MIXED"], name);
      assert.match(detail, new RegExp(`16000 Hz .* \\(session ${first}\\); 8000 Hz .* \\(session ${second}\\)$`));
      assert.match(fix, /^Choose a session that the message names with session=/);
      for (const session of [first, second]) {
        const chosen = await server.fetch(`${path}/${name}?${range}&session=${session}`);
        assert.deepEqual([chosen.status, chosen.headers.get("eet-sessions")], [200, session], name);
        await chosen.arrayBuffer();
      }
    }
    const audioOf = async (session: string) => {
      const answer = await server.fetch(`${path}/audio?${range}&format=raw&session=${session}`);
      return Buffer.from(await answer.arrayBuffer());
    };
    assert.ok((await audioOf(first)).equals(wide.subarray(0, 32_000)));
    // Begins a ms later: 8 samples of silence.
    assert.ok((await audioOf(second)).equals(Buffer.concat([Buffer.alloc(16), narrow]).subarray(0, 16_000)));

    for (const [query, detail] of [
      [`${range}&session=none`, /^there is no session none$/],
      [`from=2026-04-01&to=2026-04-02&session=${second}`, /has no audio there: it has \d+ samples, from 2026-03-01T12/],
      [`${range}&session=${first}&stream=2`, /is of stream 1 of kitchen$/],
    ] as const) {
      const answer = await server.fetch(`${path}/audio?${query}`);
      const problem = JSON.parse(await answer.text()) as Problem;
      assert.deepEqual([answer.status, problem.code], [404, "RANGE_EMPTY"]);
      assert.match(problem.detail, detail);
    }
  });
});

describe("a range in which sessions of one rate overlap", () => {
  it("is given of the session that began first, then of the next, and a header says so where they do overlap", async () => {
    await using folder = await makeTemporaryFolder();
    await using server = await ApiServer.open(folder.path);
    // 2 s from the start, and 2 s that begin after 1.2 s: 0.8 s were recorded twice, with other levels.
    const first = await server.record({ hwid: "kitchen", startMs, frameCount: 100 });
    const second = await server.record({ hwid: "kitchen", startMs: startMs + 1_200, frameCount: 100 });
    const { sessions } = await server.json<{ sessions: { session: string }[] }>(`${path}/sessions`);
    const at = (ms: number) => new Date(startMs + ms).toISOString();
    const rule = "where sessions overlap, the one that began first is heard as long as it has a segment, then the next";

    for (const [fromMs, toMs, overlap] of [
      [0, 3_200, rule],
      [1_200, 2_000, rule],
      [1_999, 2_001, rule],
      [0, 1_200, "none"],
      [2_000, 3_200, "none"],
    ] as const) {
      for (const name of ["audio", "peaks", "spectrogram"]) {
        const answer = await server.fetch(`${path}/${name}?from=${at(fromMs)}&to=${at(toMs)}`);
        const told = [answer.status, answer.headers.get("eet-overlap")];
        assert.deepEqual(told, [200, overlap], `${name} of ${fromMs} to ${toMs} ms`);
        await answer.arrayBuffer();
      }
    }

    const whole = await server.fetch(`${path}/audio?from=${at(0)}&to=${at(3_200)}&format=raw`);
    assert.equal(whole.headers.get("eet-sessions"), sessions.map(({ session }) => session).join(" "));
    // What of the second is not heard: 0.8 s of 32 000 bytes a second.
    const expected = Buffer.concat([first, second.subarray(0.8 * 32_000)]);
    assert.ok(Buffer.from(await whole.arrayBuffer()).equals(expected));

    // One that is named is heard as it is: nothing overlaps it.
    const [, { session: named } = { session: "" }] = sessions;
    const chosen = await server.fetch(`${path}/audio?from=${at(1_200)}&to=${at(3_200)}&format=raw&session=${named}`);
    assert.equal(chosen.headers.get("eet-overlap"), "none");
    assert.ok(Buffer.from(await chosen.arrayBuffer()).equals(second));
  });
});
