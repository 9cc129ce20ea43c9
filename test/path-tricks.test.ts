import assert from "node:assert/strict";
import { cp, readdir, readFile, rename, symlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { backUp, reindexFolder, silentLog, verifyFolder } from "@eet/server";
import { OpenServer } from "./support/open-server.ts";
import { parseRawAnswer, sendRaw } from "./support/raw-requests.ts";
import { listFiles } from "./support/recordings.ts";
import { canary, TrickedFolder, trickedFlags } from "./support/tricked-folder.ts";

let folder: TrickedFolder;
let server: OpenServer;

const url = (path: string) => `http://127.0.0.1:${server.port}${path}`;

/** The body of a JSON answer. */
async function ask<Answer>(path: string): Promise<Answer> {
  return (await (await fetch(url(path))).json()) as Answer;
}

interface Segments {
  readonly segments: readonly { readonly id: number; readonly name: string }[];
}

before(async () => {
  folder = await TrickedFolder.make();
  {
    await using recording = await OpenServer.open(folder.path, trickedFlags);
    await folder.record(recording.url);
  }
  await folder.trick();
  server = await OpenServer.open(folder.path, trickedFlags);
  await server.line("recovery done");
});
after(async () => {
  await server.close();
  folder.assertKept();
  await folder[Symbol.asyncDispose]();
});

describe("files that are not recordings, and links", () => {
  it("are never served", async () => {
    for (const hwid of ["linked", "moved"]) {
      const { segments } = await ask<Segments>(`/api/v1/segments?hwid=${hwid}`);
      assert.ok(segments.length > 0);
      for (const { id, name } of segments) {
        if (hwid === "linked" && !name.endsWith("-0")) continue;
        for (const kind of ["bin", "wav", "json"]) {
          const answer = await fetch(url(`/api/v1/segments/${id}/files/${kind}`));
          assert.ok(answer.status >= 400, `${name}.${kind} is served with ${answer.status}`);
        }
      }
      for (const what of ["audio", "audio?format=flac", "peaks?width=64"]) {
        const query = what.includes("?") ? "&" : "?";
        const answer = await fetch(url(`/api/v1/devices/${hwid}/${what}${query}from=-1h&to=now`));
        const text = Buffer.from(await answer.arrayBuffer().catch(() => new ArrayBuffer(0))).toString("latin1");
        assert.ok(!text.includes(canary), `${what} of ${hwid}`);
      }
    }
    folder.assertKept();
  });

  it("are never served where a link leads to another place within the folder either", async () => {
    const [wav = ""] = await folder.findFiles("plain", ".wav");
    const { segments } = await ask<Segments>("/api/v1/segments?hwid=plain");
    const id = segments.find(({ name }) => `${name}.wav` === basename(wav))?.id;
    const ask200 = async () => (await fetch(url(`/api/v1/segments/${id}/files/wav`))).status === 200;
    assert.ok(await ask200());
    const away = join(folder.received, "plain", `.away-${basename(wav)}`);
    await rename(wav, away);
    await symlink(away, wav);
    assert.ok(!(await ask200()));
    await rename(away, wav);
    assert.ok(await ask200());
  });

  it("are not reached by any path or query", async () => {
    const ways = [
      "..",
      "%2e%2e",
      "..%2f..",
      "%2e%2e%2f%2e%2e",
      "..%5c..",
      "....//",
      "%252e%252e",
      ".%00.",
      "%c0%ae%c0%ae",
    ];
    const files = [".hidden", ".env", "received-evil/plain/stream_1.bin", "outside", "received/plain/.secret.bin"];
    const heads = [
      "/",
      "/assets/",
      "/device/",
      "/api/v1/segments/1/files/",
      "/api/v1/devices/",
      "/api/v1/sessions/",
      "/echo/",
    ];
    const paths = heads.flatMap((head) => [
      ...ways.flatMap((way) => files.map((file) => `${head}${way}/${way}/${way}/data/${file}`)),
      ...files.map((file) => `${head}${file}`),
      `${head}${"a".repeat(8_000)}`,
      `${head}%00`,
    ]);
    const queries = ["hwid", "session", "cursor", "types"].flatMap((name) =>
      ways.map((way) => `/api/v1/segments?${name}=${way}/${files[0]}`),
    );
    const lanes = [...paths, ...queries].values();
    const send = async () => {
      for (const path of lanes) {
        const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`;
        const answer = await sendRaw(server.port, request);
        assert.ok(!answer.includes(canary.trim()), path.slice(0, 200));
        const status = parseRawAnswer(answer)?.status ?? 0;
        assert.ok(status < 500 && status !== 0, `${status} for ${path.slice(0, 200)}`);
      }
    };
    await Promise.all(Array.from({ length: 8 }, send));
  });

  it("are not made by the id of a device", async () => {
    const ids = [
      "..",
      "%2e%2e",
      "../x",
      "..%2fx",
      "a/b",
      "a%2fb",
      "a\\b",
      "a%00b",
      "x".repeat(65),
      ".hidden/..",
      "echo/x",
      "é",
    ];
    for (const id of ids) {
      const request =
        `GET /ws/${id} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
      const status = parseRawAnswer(await sendRaw(server.port, Buffer.from(request).toString("latin1")))?.status;
      assert.ok(status === 400 || status === 404, `${status} for ${id}`);
    }
    assert.deepEqual((await readdir(folder.received)).sort(), [".hidden", "again", "linked", "moved", "plain"]);
  });

  it("are neither backed up nor found by verify and reindex", async () => {
    const target = join(folder.path, "backup");
    const options = { dataFolder: join(folder.path, "data"), target, onProgress: () => {} };
    const report = await backUp({ ...options, signal: AbortSignal.timeout(60_000) });
    assert.ok(report.linkedCount + report.copiedCount > 0);
    const entries = await readdir(target, { recursive: true, withFileTypes: true });
    assert.deepEqual(
      entries.filter((entry) => entry.isSymbolicLink()),
      [],
    );
    for (const path of await listFiles(target)) {
      assert.ok(!(await readFile(join(target, path), "latin1")).includes(canary), path);
      assert.ok(!path.includes("moved") && !path.includes("again") && !basename(path).startsWith("."), path);
    }
    for await (const { segment } of verifyFolder(folder.received)) {
      assert.ok(segment.startsWith("linked/") || segment.startsWith("plain/"), segment);
    }
    // Of a copy: this one is in use.
    const copy = join(folder.path, "copy");
    await cp(join(folder.path, "data/received"), join(copy, "received"), { recursive: true, verbatimSymlinks: true });
    const sidecars = (await listFiles(join(copy, "received"))).filter((name) => name.endsWith(".json"));
    assert.equal((await reindexFolder(copy, silentLog, () => {})).segments, sidecars.length);
    folder.assertKept();
  });
});
