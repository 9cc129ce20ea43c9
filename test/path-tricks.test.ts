import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { backUp, reindexFolder, silentLog, verifyFolder } from "@eet/server";
import { OpenServer } from "./support/open-server.ts";
import { parseRawAnswer, sendRaw } from "./support/raw-requests.ts";
import { listFiles } from "./support/recordings.ts";
import { sendStream } from "./support/stored-recordings.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./support/temporary-folder.ts";

/** Stands in every file that nobody may be given. */
const canary = "canary-that-nobody-may-see ";
const flags = { "rotate-s": "1", "flush-ms": "50" };

let folder: TemporaryFolder;
let server: OpenServer;
let received: string;
let outside: string;
/** Files that must stay as they are, with what they hold. */
const kept = new Map<string, string>();

async function plant(path: string, byteCount = 64): Promise<void> {
  const text = canary.repeat(Math.ceil(byteCount / canary.length)).slice(0, byteCount);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, text);
  kept.set(path, text);
}

/** Moves a recorded file away and puts a link to a file of the same length outside in its place. */
async function replaceByLink(path: string): Promise<void> {
  const { byteLength } = await readFile(path);
  const target = join(outside, basename(path));
  await plant(target, byteLength);
  await rm(path);
  await symlink(target, path);
}

async function findFiles(hwid: string, ending: string): Promise<readonly string[]> {
  const names = (await readdir(join(received, hwid))).filter((name) => name.endsWith(ending)).sort();
  return names.map((name) => join(received, hwid, name));
}

const url = (path: string) => `http://127.0.0.1:${server.port}${path}`;

/** The body of a JSON answer. */
async function ask<Answer>(path: string): Promise<Answer> {
  return (await (await fetch(url(path))).json()) as Answer;
}

interface Segments {
  readonly segments: readonly { readonly id: number; readonly name: string }[];
}

/** All that was planted is as it was. */
function assertKept(): void {
  for (const [path, text] of kept) assert.ok(existsSync(path) && readFileSync(path, "utf8") === text, path);
}

before(async () => {
  folder = await makeTemporaryFolder();
  received = join(folder.path, "data/received");
  outside = join(folder.path, "outside");
  {
    await using recording = await OpenServer.open(folder.path, flags);
    for (const hwid of ["linked", "moved", "plain"]) {
      await sendStream(recording.url, { hwid, streamId: 1, seconds: 2 });
    }
  }
  await plant(join(received, ".hidden"));
  await plant(join(received, "plain/.secret.bin"));
  await plant(join(received, "../.env"));
  await plant(join(folder.path, "data/received-evil/plain/stream_1.bin"));
  for (const ending of [".bin", ".wav", ".json"]) {
    const [first] = await findFiles("linked", ending);
    if (first !== undefined) await replaceByLink(first);
  }
  // A whole folder of a device elsewhere, under the same names.
  await rename(join(received, "moved"), join(folder.path, "data/received-evil/moved"));
  await symlink(join(folder.path, "data/received-evil/moved"), join(received, "moved"));
  for (const path of await listFiles(join(folder.path, "data/received-evil/moved"))) {
    const full = join(folder.path, "data/received-evil/moved", path);
    kept.set(full, readFileSync(full, "utf8"));
  }
  // A link within the folder: the same recordings a second time.
  await symlink(join(received, "plain"), join(received, "again"));
  server = await OpenServer.open(folder.path, flags);
  await server.line("recovery done");
});
after(async () => {
  await server.close();
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
    assertKept();
  });

  it("are never served where a link leads to another place within the folder either", async () => {
    const [wav = ""] = await findFiles("plain", ".wav");
    const { segments } = await ask<Segments>("/api/v1/segments?hwid=plain");
    const id = segments.find(({ name }) => `${name}.wav` === basename(wav))?.id;
    const ask200 = async () => (await fetch(url(`/api/v1/segments/${id}/files/wav`))).status === 200;
    assert.ok(await ask200());
    const away = join(received, "plain", `.away-${basename(wav)}`);
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
    assert.deepEqual((await readdir(received)).sort(), [".hidden", "again", "linked", "moved", "plain"]);
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
    for await (const { segment } of verifyFolder(received)) {
      assert.ok(segment.startsWith("linked/") || segment.startsWith("plain/"), segment);
    }
    // Of a copy: this one is in use.
    const copy = join(folder.path, "copy");
    await cp(join(folder.path, "data/received"), join(copy, "received"), { recursive: true, verbatimSymlinks: true });
    const sidecars = (await listFiles(join(copy, "received"))).filter((name) => name.endsWith(".json"));
    assert.equal((await reindexFolder(copy, silentLog, () => {})).segments, sidecars.length);
    assertKept();
  });

  it("are never deleted, by whatever deletes recordings", async () => {
    for (const hwid of ["linked", "moved", "plain"]) {
      const { segments } = await ask<Segments>(`/api/v1/segments?hwid=${hwid}`);
      for (const { id } of segments) {
        const answer = await fetch(url(`/api/v1/segments/${id}?reason=test`), { method: "DELETE" });
        assert.ok(answer.status === 200 || answer.status === 409, await answer.text());
      }
    }
    const isRecording = (name: string) => !name.startsWith(".");
    const readPlain = () => readdirSync(join(received, "plain")).filter(isRecording);
    // The last ones that were asked for.
    await server.until("the recordings without links are deleted", () => readPlain().length === 0);
    await server.close();
    assertKept();
  });
});
