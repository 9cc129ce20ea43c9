import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { listFiles } from "./recordings.ts";
import { sendStream } from "./stored-recordings.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./temporary-folder.ts";

/** Stands in every file that nobody may be given. */
export const canary = "canary-that-nobody-may-see ";

/** How the server records; it flushes soon, so that segments are there soon. */
export const trickedFlags: Readonly<Record<string, string>> = { "rotate-s": "1", "flush-ms": "50" };

/**
 * A working folder with two segments of each of the devices `linked`, `moved` and `plain`. What no recording is lies
 * around them: hidden files, a folder beside with a name that begins alike, links in the place of the first segment of
 * `linked` and of the folders `moved` and `again`. Disposing of it removes it.
 */
export class TrickedFolder implements AsyncDisposable {
  /** `data/received` below it. */
  readonly received: string;
  readonly #folder: TemporaryFolder;
  readonly #outside: string;
  /** Files that must stay as they are, with what they hold. */
  readonly #kept = new Map<string, string>();

  private constructor(folder: TemporaryFolder) {
    this.#folder = folder;
    this.received = join(folder.path, "data/received");
    this.#outside = join(folder.path, "outside");
  }

  /** An empty one, in which a server is to record {@link TrickedFolder.record} before it is tricked. */
  static async make(): Promise<TrickedFolder> {
    return new TrickedFolder(await makeTemporaryFolder());
  }

  get path(): string {
    return this.#folder.path;
  }

  /** Streams to a server on this folder what the tricks are played on. */
  async record(url: string): Promise<void> {
    for (const hwid of ["linked", "moved", "plain"]) await sendStream(url, { hwid, streamId: 1, seconds: 2 });
  }

  /** Lays out what is to be left alone; no server runs meanwhile. */
  async trick(): Promise<void> {
    const beside = join(this.path, "data/received-evil");
    await this.#plant(join(this.received, ".hidden"));
    await this.#plant(join(this.received, "plain/.secret.bin"));
    await this.#plant(join(this.received, "../.env"));
    await this.#plant(join(beside, "plain/stream_1.bin"));
    for (const ending of [".bin", ".wav", ".json"]) {
      const [first] = await this.findFiles("linked", ending);
      if (first !== undefined) await this.#replaceByLink(first);
    }
    // A whole folder of a device elsewhere, under the same names.
    await this.#moveBehindLink(join(this.received, "moved"), join(beside, "moved"));
    // A link within the folder: the same recordings a second time.
    await symlink(join(this.received, "plain"), join(this.received, "again"));
  }

  /** Moves the overviews of a device outside, with a link in their place. */
  async linkOverviews(hwid: string): Promise<void> {
    await this.#moveBehindLink(join(this.path, "data/overview", hwid), join(this.#outside, "overview", hwid));
  }

  /** Paths of a device's files with an ending, in order. */
  async findFiles(hwid: string, ending: string): Promise<readonly string[]> {
    const names = (await readdir(join(this.received, hwid))).filter((name) => name.endsWith(ending)).sort();
    return names.map((name) => join(this.received, hwid, name));
  }

  /** All that was planted is as it was. */
  assertKept(): void {
    assert.ok(this.#kept.size > 0);
    for (const [path, text] of this.#kept) assert.ok(existsSync(path) && readFileSync(path, "latin1") === text, path);
  }

  async #plant(path: string, byteCount = 64): Promise<void> {
    const text = canary.repeat(Math.ceil(byteCount / canary.length)).slice(0, byteCount);
    await mkdir(join(path, ".."), { recursive: true });
    await writeFile(path, text);
    this.#kept.set(path, text);
  }

  /** Moves a recorded file away and puts a link to a file of the same length outside in its place. */
  async #replaceByLink(path: string): Promise<void> {
    const { byteLength } = await readFile(path);
    const target = join(this.#outside, basename(path));
    await this.#plant(target, byteLength);
    await rm(path);
    await symlink(target, path);
  }

  async #moveBehindLink(path: string, target: string): Promise<void> {
    await mkdir(join(target, ".."), { recursive: true });
    await rename(path, target);
    await symlink(target, path);
    const names = await listFiles(target);
    assert.ok(names.length > 0, `${path} is empty`);
    for (const name of names) this.#kept.set(join(target, name), readFileSync(join(target, name), "latin1"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder[Symbol.asyncDispose]();
  }
}
