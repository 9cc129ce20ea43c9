import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ApiServer } from "./support/api-server.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./support/temporary-folder.ts";

const startMs = Date.UTC(2026, 2, 1, 12);
const v1 = "/api/v1";
const range = "from=2026-03-01T12:00:00Z&to=2026-03-01T12:00:01Z";
/** BEL, NUL, ESC, DEL, CSI, NEL, line and paragraph separators. */
const controls = ["\u0007", "\u0000", "\u001b", "\u007f", "\u009b", "\u0085", "\u2028", "\u2029", "\n"];

let folder: TemporaryFolder;
let server: ApiServer;

before(async () => {
  folder = await makeTemporaryFolder();
  server = await ApiServer.open(folder.path);
  await server.record({ hwid: "kitchen", startMs, frameCount: 60 });
  await server.record({ hwid: null, startMs, frameCount: 60 });
});
after(async () => {
  await server.close();
  await folder[Symbol.asyncDispose]();
});

interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly fix: string;
}

/** The problem of an answer that refuses. */
async function refusal(path: string, init?: RequestInit): Promise<Problem> {
  const answer = await server.fetch(path, init);
  const text = await answer.text();
  assert.match(answer.headers.get("content-type") ?? "", /^application\/problem\+json/, `${path}: ${text}`);
  const problem = JSON.parse(text) as Problem;
  assert.equal(problem.status, answer.status);
  assert.ok(problem.fix.length > 0);
  return problem;
}

const send = (method: string, body: unknown): RequestInit => ({
  ...{ method, body: JSON.stringify(body) },
  headers: { "content-type": "application/json" },
});

async function assertInvalid(path: string, init: RequestInit | undefined, name: string): Promise<void> {
  const { status, code, detail } = await refusal(path, init);
  assert.deepEqual([status, code], [400, "PARAMETER_INVALID"], `${path} ${JSON.stringify(init?.body)}`);
  assert.ok(detail.startsWith(`${name} is `), detail);
}

describe("the REST API", () => {
  it("refuses numbers that are written in another way than answers write them", async () => {
    for (const text of ["1.5", "1e3", "+1", "%2B1", "%201", "1%20", "0x10", "01", "-1", "", "1&limit=2"]) {
      await assertInvalid(`${v1}/devices?limit=${text}`, undefined, "limit");
    }
    for (const text of ["1e3", "0x1", "1.0", "+1", "%201", "01", "1_0"]) {
      await assertInvalid(`${v1}/segments/${text}`, undefined, "id");
      await assertInvalid(`${v1}/segments/${text}/files/bin`, undefined, "id");
    }
    await assertInvalid(`${v1}/segments?has_gaps=1`, undefined, "has_gaps");
    await assertInvalid(`${v1}/devices/kitchen/timeline?from=-1d&resolution=1e3`, undefined, "resolution");
    await assertInvalid(`${v1}/devices/kitchen/peaks?${range}&width=64.0`, undefined, "width");
  });

  it("takes long bodies only where they hold lists, and says little of many unknown names", async () => {
    const long = { level: "x".repeat(8_192) };
    const { status, code, detail } = await refusal(`${v1}/log-level`, send("PUT", long));
    assert.deepEqual([status, code, detail], [413, "BODY_TOO_LARGE", "the body is larger than 8192 bytes"]);
    await assertInvalid(`${v1}/log-level`, send("PUT", { level: "x".repeat(8_000) }), "level");
    await assertInvalid(`${v1}/devices/kitchen`, send("PATCH", { tags: ["x".repeat(60_000)] }), "tags");
    const tooLong = await refusal(`${v1}/devices/kitchen`, send("PATCH", { tags: ["x".repeat(66_000)] }));
    assert.deepEqual([tooLong.code, tooLong.detail], ["BODY_TOO_LARGE", "the body is larger than 65536 bytes"]);
    const names = Array.from({ length: 5_000 }, (_, index) => [`k${index}`, 1]);
    const problem = await refusal(`${v1}/devices/kitchen`, send("PATCH", Object.fromEntries(names)));
    assert.equal(problem.code, "PARAMETER_INVALID");
    assert.match(problem.detail, /^"k0", "k1", .*"k8" is no parameter here; allowed: name, tags/);
    const deep = await refusal(
      `${v1}/devices/kitchen`,
      send("PATCH", JSON.parse(`${"[".repeat(17)}${"]".repeat(17)}`)),
    );
    assert.deepEqual(
      [deep.code, deep.detail],
      ["JSON_TOO_DEEP", "the body has more than 16 levels, which are allowed"],
    );
  });

  it("refuses names, tags, notes and reasons that are blank, too long or hold control characters", async () => {
    const device = `${v1}/devices/kitchen`;
    const pin = { from: "2026-03-01", to: "2026-03-02" };
    const deletion = `${v1}/segments/1?reason=`;
    for (const text of ["", "   ", "\u3000", "x".repeat(501), ...controls.map((control) => `a${control}b`)]) {
      await assertInvalid(device, send("PATCH", { name: text }), "name");
      await assertInvalid(device, send("PATCH", { tags: ["fine", text] }), "tags");
      await assertInvalid(`${device}/pins`, send("POST", { ...pin, note: text }), "note");
      await assertInvalid(deletion + encodeURIComponent(text), { method: "DELETE" }, "reason");
      await assertInvalid(`${v1}/devices?search=${encodeURIComponent(text)}`, undefined, "search");
    }
    assert.deepEqual((await server.json<{ pins: unknown[] }>(`${device}/pins`)).pins, []);
    const { name } = await server.json<{ name: unknown }>(device);
    assert.equal(name, null);
  });

  it("takes the blanks off that stand around them", async () => {
    const body = { name: "  Küche 👩‍🍳 ", tags: [" house", "house "] };
    const device = await server.json<typeof body>(`${v1}/devices/kitchen`, send("PATCH", body));
    assert.deepEqual([device.name, device.tags], ["Küche 👩‍🍳", ["house"]]);
    const tagged = await server.json<{ devices: unknown[] }>(`${v1}/devices?tag=%20house%20&search=%20KITCH`);
    assert.equal(tagged.devices.length, 1);
    const pin = { from: "2026-03-01", to: "2026-03-02", note: " the doorbell " };
    const made = await server.json<{ id: number; note: string }>(`${v1}/devices/kitchen/pins`, send("POST", pin));
    assert.equal(made.note, "the doorbell");
    assert.equal((await server.fetch(`${v1}/pins/${made.id}`, { method: "DELETE" })).status, 204);
  });

  it("tells with 405 which methods a path takes", async () => {
    for (const [method, path, allowed] of [
      ["DELETE", `${v1}/devices`, "GET, HEAD"],
      ["POST", `${v1}/devices/kitchen`, "GET, HEAD, PATCH"],
      ["PUT", `${v1}/segments/1`, "DELETE, GET, HEAD"],
      ["GET", `${v1}/pins/1`, "DELETE"],
      ["OPTIONS", `${v1}/devices/kitchen/audio?from=-1m`, "GET, HEAD"],
      ["PROPFIND", `${v1}/events`, "GET, HEAD"],
      ["POST", "/metrics", "GET, HEAD"],
      ["GET", `${v1}/retention/run`, "POST"],
    ] as const) {
      const answer = await server.fetch(path, { method });
      const { status, code, detail } = JSON.parse(await answer.text()) as Problem;
      assert.deepEqual([answer.status, status, code], [405, 405, "METHOD_NOT_ALLOWED"], `${method} ${path}`);
      assert.equal(answer.headers.get("allow"), allowed);
      assert.equal(detail, `${path.split("?")[0]} does not take ${method}; allowed: ${allowed}`);
    }
    for (const path of [`${v1}/devices/`, `${v1}/nothing`, `${v1}/devices/a/b`, "/api/v2/devices"]) {
      assert.equal((await refusal(path, { method: "POST" })).code, "NOT_FOUND", path);
    }
  });

  it("does not know a device of which nothing was recorded, but what was recorded without an id", async () => {
    const answers = {
      timeline: "from=2026-03-01",
      sessions: "",
      audio: range,
      peaks: `${range}&width=8`,
      spectrogram: `${range}&width=8`,
      pins: "",
    } as const;
    for (const [name, query] of Object.entries(answers)) {
      const { status, code, detail } = await refusal(`${v1}/devices/nobody/${name}?${query}`);
      assert.deepEqual([status, code], [404, "RESOURCE_UNKNOWN"], name);
      assert.equal(detail, 'the device "nobody" is not known');
      for (const hwid of ["~", "kitchen"]) {
        const answer = await server.fetch(`${v1}/devices/${hwid}/${name}?${query}`);
        assert.equal(answer.status, 200, `${hwid} ${name}`);
        await answer.arrayBuffer();
      }
    }
  });
});
