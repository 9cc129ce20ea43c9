import { randomBytes, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { open, rm, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { systemErrorCode, toError } from "../kernel/errors.ts";
import { diskState, marksForDisk, readDiskSpace } from "../storage/disk-space-store.ts";
import { type Finding, failure, warning, well } from "./finding.ts";

const MiB = 2 ** 20;
const speedBytes = 32 * MiB;
const syncCount = 20;
const syncBytes = 4096;
/** Twice what one 48 kHz stereo stream of each of 50 devices brings. */
const slowBytesPerS = 20 * MiB;
const slowSyncMs = 100;

/** File systems that lose data or locks, by the number that `statfs` gives. */
const doubtfulSystems: ReadonlyMap<number, readonly [name: string, trouble: string]> = new Map([
  [0x01021994, ["tmpfs", "it is memory: a restart of the machine loses every recording"]],
  [0x6969, ["NFS", "it is a network file system: locks and syncs of the catalogue may fail there"]],
  [0xff534d42, ["CIFS", "it is a network file system: locks and syncs of the catalogue may fail there"]],
  [0xfe534d42, ["SMB2", "it is a network file system: locks and syncs of the catalogue may fail there"]],
]);

/** Measures the disk of the data folder, or of the folder that it will be made in, with a file that it removes. */
export async function checkDisk(dataFolder: string): Promise<readonly Finding[]> {
  const folder = existingFolder(dataFolder);
  const findings: Finding[] = [];
  if (folder !== dataFolder) findings.push(well("data folder", `${dataFolder} will be made by the server`));
  const space = await readDiskSpace(folder);
  findings.push(judgeSpace(space));
  const doubtful = doubtfulSystems.get((await statfs(folder)).type);
  if (doubtful !== undefined) {
    const [name, trouble] = doubtful;
    findings.push(warning("data folder", `${folder} is on ${name}: ${trouble}`, "Put it on a local disk with --data."));
  }
  if (space.freeBytes < 2 * speedBytes) return findings;
  try {
    findings.push(...judgeSpeed(await measure(folder)));
  } catch (thrown) {
    findings.push(describeFailure(folder, toError(thrown)));
  }
  return findings;
}

function existingFolder(folder: string): string {
  if (existsSync(folder) || dirname(folder) === folder) return folder;
  return existingFolder(dirname(folder));
}

function judgeSpace(space: { readonly freeBytes: number; readonly totalBytes: number }): Finding {
  const { softBytes, hardBytes } = marksForDisk(space.totalBytes);
  const room = `${toMiB(space.freeBytes)} MiB of ${toMiB(space.totalBytes)} MiB free`;
  const fix = "Free space, set a quota (Server:RetentionMaxGb), or upload and evict (S3:DeleteAfterUpload).";
  const state = diskState(space);
  if (state === "hard")
    return failure("data folder", `${room}, below the hard mark of ${toMiB(hardBytes)} MiB: no stream is taken`, fix);
  if (state === "soft")
    return warning("data folder", `${room}, below the soft mark of ${toMiB(softBytes)} MiB: no WAV is derived`, fix);
  return well("data folder", `${room}; marks at ${toMiB(softBytes)} and ${toMiB(hardBytes)} MiB`);
}

interface Speed {
  readonly bytesPerS: number;
  readonly medianSyncMs: number;
  readonly longestSyncMs: number;
}

async function measure(folder: string): Promise<Speed> {
  const path = join(folder, `doctor-${randomUUID()}.tmp`);
  const file = await open(path, "wx");
  try {
    // Random, since some disks and file systems make little of zeros.
    const block = randomBytes(MiB);
    const start = performance.now();
    for (let at = 0; at < speedBytes; at += MiB) await file.write(block);
    await file.datasync();
    const bytesPerS = (speedBytes * 1000) / (performance.now() - start);
    const syncs: number[] = [];
    for (let turn = 0; turn < syncCount; turn += 1) {
      const before = performance.now();
      await file.write(block, 0, syncBytes);
      await file.datasync();
      syncs.push(performance.now() - before);
    }
    syncs.sort((a, b) => a - b);
    return { bytesPerS, medianSyncMs: syncs[syncCount / 2] ?? 0, longestSyncMs: syncs.at(-1) ?? 0 };
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}

function judgeSpeed({ bytesPerS, medianSyncMs, longestSyncMs }: Speed): readonly Finding[] {
  const speed = `writes ${toMiB(bytesPerS)} MiB/s`;
  const syncs = `syncs take ${medianSyncMs.toFixed(1)} ms, the longest of ${syncCount} ${longestSyncMs.toFixed(1)} ms`;
  return [
    bytesPerS < slowBytesPerS
      ? warning("data folder", speed, "Use a faster disk, or expect devices to be slowed down when many send.")
      : well("data folder", speed),
    medianSyncMs > slowSyncMs
      ? warning(
          "data folder",
          syncs,
          "Use a disk with faster syncs (an SSD), or raise Server:FlushMs and Server:AckMs.",
        )
      : well("data folder", syncs),
  ];
}

function describeFailure(folder: string, error: Error): Finding {
  const code = systemErrorCode(error);
  const fix =
    code === "EACCES" || code === "EPERM" || code === "EROFS"
      ? "Give the user that runs the server the right to write there, or name another folder with --data."
      : "Look into the system's log for errors of the disk.";
  return failure("data folder", `${folder} cannot be written: ${error.message}`, fix);
}

function toMiB(bytes: number): number {
  return Math.round(bytes / MiB);
}
