import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { frameRules, parseFrame, parseHandshake } from "@eet/protocol";
import { build } from "vite";
import { makeSnippets } from "../packages/dashboard/src/add/snippets.ts";
import { noBrowser, openBrowser } from "./support/browser.ts";
import { OpenServer } from "./support/open-server.ts";
import { PageSession } from "./support/page-session.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./support/temporary-folder.ts";
import { skipWithout } from "./support/tools.ts";
import { untilEvent } from "./support/until-event.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const eet = `${process.execPath} packages/cli/src/main.ts `;
// The system's own, which Debian's packages belong to.
const python = "/usr/bin/python3";
const noPython = skipWithout(python);

/** Runs a program until it is disposed of. */
class Running implements AsyncDisposable {
  readonly #child: ChildProcess;

  constructor(command: string, args: readonly string[]) {
    // A group of its own: what a shell has started ends with it.
    this.#child = spawn(command, args, { cwd: root, stdio: ["ignore", "ignore", "inherit"], detached: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { exitCode, signalCode, pid } = this.#child;
    if (exitCode !== null || signalCode !== null || pid === undefined) return;
    const exited = once(this.#child, "exit");
    process.kill(-pid, "SIGKILL");
    await exited;
  }
}

describe("the snippets of Add a device", { timeout: 120_000 }, () => {
  const stack = new AsyncDisposableStack();
  let folder: TemporaryFolder;
  let server: OpenServer;
  let origin: string;

  before(async () => {
    folder = stack.use(await makeTemporaryFolder());
    server = stack.use(await OpenServer.open(folder.path, { "rotate-s": "1" }));
    origin = `http://127.0.0.1:${server.port}`;
  });
  after(() => stack.disposeAsync());

  /** As the page shows it. */
  function snippet(name: string, hwid: string): string {
    const found = makeSnippets(server.url, hwid).find((one) => one.name === name);
    assert.ok(found !== undefined, `there is no snippet ${name}`);
    return found.text;
  }

  it("stream the bundled recording by eet stream", async () => {
    // Not by npm, which would look after packages and the page first.
    const command = snippet("Test", "by-test").replace(/^npm run eet -- /, eet);
    assert.ok(command.startsWith(eet));
    await using _running = new Running("sh", ["-c", command]);
    await untilEvent(origin, "segment.closed", "by-test");
  });

  it("stream what a Linux machine captures", async () => {
    const captured = "cat data/speech_16k.wav";
    const command = snippet("Linux", "by-linux")
      .replace(/^arecord -f S16_LE -r 16000 -t wav /, `${captured} `)
      .replace("npm run --silent eet -- ", eet)
      .replace(/ --spool spool$/, ` --spool ${join(folder.path, "spool")}`);
    assert.ok(command.startsWith(`${captured} | ${eet}`));
    assert.ok(command.endsWith(join(folder.path, "spool")));
    await using _running = new Running("sh", ["-c", command]);
    await untilEvent(origin, "segment.closed", "by-linux");
  });

  it("stream from Python", { skip: noPython }, async () => {
    const path = join(folder.path, "device.py");
    await writeFile(path, snippet("Python", "by-python"));
    await using _running = new Running(python, [path]);
    await untilEvent(origin, "segment.closed", "by-python");
  });

  it("stream from Node", async () => {
    const path = join(folder.path, "device.mjs");
    await writeFile(path, snippet("Node", "by-node"));
    await using _running = new Running(process.execPath, [path]);
    await untilEvent(origin, "segment.closed", "by-node");
  });

  it("stream from a browser, by the SDK", { skip: noBrowser }, async () => {
    const entry = join(folder.path, "device.js");
    await writeFile(entry, snippet("Browser", "by-browser"));
    const client = join(root, "packages/client/src/browser.ts");
    const [bundle] = (await build({
      ...{ configFile: false, logLevel: "error", root: folder.path },
      resolve: { alias: { "@eet/client": client } },
      build: { write: false, lib: { entry, formats: ["iife"], name: "device" } },
    })) as readonly { readonly output: readonly { readonly code?: string }[] }[];
    const code = bundle?.output[0]?.code;
    assert.ok(code !== undefined);
    await using browser = await openBrowser();
    await using session = await PageSession.open(browser, `${origin}/add`);
    await session.page.evaluate(code);
    await untilEvent(origin, "segment.closed", "by-browser");
    assert.deepEqual(session.faults, []);
  });

  it("begin an Arduino's stream with a handshake and frames as the protocol has them", () => {
    const text = snippet("Arduino", "by-arduino");
    const numbers = (name: string) => {
      const [, list = ""] = new RegExp(`uint32_t ${name}\\[\\d\\] = \\{([^}]*)\\}`).exec(text) ?? [];
      const values = list.split(",").map((value) => value.trim());
      return Uint32Array.from(values, (value) => {
        const [high, low = "0"] = value.replaceAll("u", "").split(/<< 16 \|/);
        if (value === "seq++") return 0;
        return low === "0" ? Number(high) : Number(high) * 65_536 + Number(low);
      });
    };
    const format = { codec: "pcm16", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 } as const;
    const hello = parseHandshake(new Uint8Array(numbers("hello").buffer));
    assert.deepEqual(hello, { streamId: 1, format, timestampMs: 0n });
    const frame = new Uint8Array(12 + 640);
    frame.set(new Uint8Array(numbers("head").buffer));
    assert.equal(parseFrame(frame, frameRules(format)).seq, 0);
  });
});

describe("the snippets with a token", { timeout: 120_000 }, () => {
  const stack = new AsyncDisposableStack();
  let folder: TemporaryFolder;
  let server: OpenServer;
  let origin: string;
  let token: string;
  let headers: Readonly<Record<string, string>> = {};

  before(async () => {
    folder = stack.use(await makeTemporaryFolder());
    server = stack.use(await OpenServer.open(folder.path, { "rotate-s": "1" }));
    origin = `http://127.0.0.1:${server.port}`;
    headers = { authorization: `Bearer ${await makeToken({ role: "admin" })}` };
    token = await makeToken({ hwid: "by-*" });
  });
  after(() => stack.disposeAsync());

  async function makeToken(wanted: object): Promise<string> {
    const response = await fetch(`${origin}/api/v1/tokens`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(wanted),
    });
    return ((await response.json()) as { secret: string }).secret;
  }

  const textOf = (name: string, hwid: string) =>
    makeSnippets(server.url, hwid, token).find((one) => one.name === name)?.text ?? "";

  it("stream by eet stream and from Node", async () => {
    const path = join(folder.path, "device.mjs");
    await writeFile(path, textOf("Node", "by-node"));
    await using _test = new Running("sh", ["-c", textOf("Test", "by-test").replace("npm run eet -- ", eet)]);
    await using _node = new Running(process.execPath, [path]);
    for (const hwid of ["by-test", "by-node"]) await untilEvent(origin, "segment.closed", hwid, undefined, headers);
  });

  it("stream from Python", { skip: noPython }, async () => {
    const path = join(folder.path, "device.py");
    await writeFile(path, textOf("Python", "by-python"));
    await using _python = new Running(python, [path]);
    await untilEvent(origin, "segment.closed", "by-python", undefined, headers);
  });
});
