import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type SkipReason, skipWithout } from "./tools.ts";

const run = promisify(execFile);

/** What a power cut must cost, or it was none: a server syncs so soon after it has written that a cut seldom costs frames. */
const unsynced = Buffer.alloc(100_000, "not synced");
const unsyncedName = "unsynced";

/** What mount says where the kernel or the container does not allow it. */
const denied = /permission denied|operation not permitted|must be superuser|only root|failed to setup loop device/i;

/**
 * Whether disks of its own can be mounted by a test.
 *
 * @throws Error in CI (`CI=true`) unless it is the system that denies it
 */
export function skipWithoutMount(): SkipReason {
  const missing = skipWithout("mkfs.ext4", "e2fsck", "mount", "unshare");
  if (missing !== false) return missing;
  const folder = mkdtempSync(join(tmpdir(), "eet-mount-"));
  const script =
    "truncate -s 8M image && mkfs.ext4 -q -F image && mkdir disk && mount -o loop image disk && umount disk";
  const probe = spawnSync("unshare", ["--mount", "sh", "-c", script], { cwd: folder, encoding: "utf8" });
  rmSync(folder, { recursive: true, force: true });
  if (probe.status === 0) return false;
  const reason = `the system denies mounting a disk: ${probe.stderr.trim()}`;
  if (process.env["CI"] === "true" && !denied.test(probe.stderr)) throw new Error(reason);
  return reason;
}

/** A disk in a file, ext4 on a loop device. Disposing of it unmounts it and removes the file. */
export class ImageDisk implements AsyncDisposable {
  readonly #image: string;
  /** Where it is mounted. */
  readonly path: string;
  #isGone = false;

  private constructor(image: string, path: string) {
    this.#image = image;
    this.path = path;
  }

  /** Makes and mounts an empty one: `{folder}/{name}.img` at `{folder}/{name}`. */
  static async create(folder: string, name: string, sizeMiB: number): Promise<ImageDisk> {
    const image = join(folder, `${name}.img`);
    await run("truncate", ["-s", `${sizeMiB}M`, image]);
    await run("mkfs.ext4", ["-q", "-F", "-J", "size=16", image]);
    return await ImageDisk.#mount(image, join(folder, name));
  }

  /**
   * Copies what the loop device has been given until now, which is what a disk holds when its power is cut: not what
   * the file system keeps in memory. A file that nobody syncs is written before, and must be lost.
   *
   * @returns a way to mount the copy, which may need the first disk to be gone; it throws when the cut has cost nothing
   */
  async copy(folder: string, name: string): Promise<() => Promise<ImageDisk>> {
    const image = join(folder, `${name}.img`);
    await writeFile(join(this.path, unsyncedName), unsynced);
    await run("cp", [this.#image, image]);
    return async () => {
      const disk = await ImageDisk.#mount(image, join(folder, name));
      const found = await readFile(join(disk.path, unsyncedName)).catch(() => undefined);
      if (found?.equals(unsynced) !== true) return disk;
      await disk[Symbol.asyncDispose]();
      throw new Error(`${name}: the cut has cost nothing that was not synced, and proves nothing`);
    };
  }

  /** From now on whatever writes to it waits, as on a disk that does not answer, until what is returned is disposed of. */
  async stall(): Promise<AsyncDisposable> {
    await run("fsfreeze", ["--freeze", this.path]);
    return {
      [Symbol.asyncDispose]: async () => {
        await run("fsfreeze", ["--unfreeze", this.path]);
      },
    };
  }

  /** Mounting replays the journal; what that cannot repair, e2fsck does. */
  static async #mount(image: string, path: string): Promise<ImageDisk> {
    await mkdir(path, { recursive: true });
    const mounting = () => run("mount", ["-o", "loop", image, path]);
    await mounting().catch(async () => {
      // Exits with 1 when it has repaired something.
      await run("e2fsck", ["-fy", image]).catch((error: { readonly code?: unknown }) => {
        if (error.code !== 1) throw error;
      });
      await mounting();
    });
    return new ImageDisk(image, path);
  }

  /** Does nothing the second time: what failed behind the first is what has to be told. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isGone) return;
    this.#isGone = true;
    await run("umount", [this.path]).catch(() => run("umount", ["--lazy", this.path]));
    await rm(this.#image, { force: true });
    await rm(this.path, { recursive: true, force: true });
  }
}

/** A disk in memory. Disposing of it unmounts it. */
export class MemoryDisk implements AsyncDisposable {
  /** Where it is mounted. */
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(path: string, sizeMiB: number): Promise<MemoryDisk> {
    await mkdir(path, { recursive: true });
    await run("mount", ["-t", "tmpfs", "-o", `size=${sizeMiB}m`, "tmpfs", path]);
    return new MemoryDisk(path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run("umount", [this.path]).catch(() => run("umount", ["--lazy", this.path]));
  }
}
