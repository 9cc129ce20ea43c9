import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { restoreBackup, StorageError, silentLog, verifyFolder } from "@eet/server";
import { SpoolError } from "../../../packages/client/src/lib/spool-error.ts";
import { formatJournalState } from "../../../packages/client/src/lib/spool-facts-store.ts";
import { openSpool } from "../../../packages/client/src/lib/spool-store.ts";
import { finishSegment } from "../../../packages/server/src/lib/finishing/finish-segment-store.ts";
import { scanFinishedSegments } from "../../../packages/server/src/lib/finishing/finished-scan-store.ts";
import { recoverSegments } from "../../../packages/server/src/lib/finishing/recovery-store.ts";
import type { ClosedSegment } from "../../../packages/server/src/lib/kernel/segment-record.ts";
import { type CaseRandom, mutateBytes } from "./byte-mutator.ts";
import { journalSeed, spoolSeeds } from "./client-targets.ts";
import { attempt, attemptAsync, type FuzzTarget } from "./fuzz-target.ts";
import { mutateJson } from "./json-mutator.ts";
import type { SeedFile } from "./recorded-seeds.ts";

/** A change of one file of a folder, as an input: `path`, and `missing` or `hex` with the new content. */
function formatChange(path: string, content: Buffer | string | undefined): string {
  return `${path}\n${content === undefined ? "missing" : `hex ${Buffer.from(content).toString("hex")}`}`;
}

function applyChanges(folder: string, input: string): void {
  for (const change of input.split("\n\n")) {
    const [path = "", content = ""] = change.split("\n");
    const full = join(folder, path);
    if (content === "missing") rmSync(full, { force: true });
    else writeFileSync(full, Buffer.from(content.slice("hex ".length), "hex"));
  }
}

/** One to three changes of the files of a folder. */
function changeFiles(files: readonly SeedFile[], random: CaseRandom): string {
  const changes = Array.from({ length: 1 + random.below(3) }, () => {
    const { path, bytes } = random.pick(files);
    if (random.chance(0.1)) return formatChange(path, undefined);
    if (path.endsWith(".json") && random.chance(0.7)) {
      return formatChange(path, mutateJson(JSON.parse(String(bytes)), random));
    }
    const others = files.filter((file) => file.path.split(".").at(-1) === path.split(".").at(-1));
    const mutated = mutateBytes(
      bytes,
      random,
      others.map((file) => file.bytes),
      32_768,
    );
    return formatChange(path, mutated);
  });
  return changes.join("\n\n");
}

/** Fills a folder afresh. */
function plant(folder: string, files: readonly SeedFile[]): void {
  rmSync(folder, { recursive: true, force: true });
  for (const { path, bytes } of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
}

/** One device's files: recovery of all would only be slower. */
function recoveryTarget(scratch: string, all: readonly SeedFile[]): FuzzTarget {
  const files = all.filter(({ path }) => path.startsWith("frame-log") || path.includes("/seed-0/"));
  const data = join(scratch, "data");
  const canary = join(scratch, "canary.bin");
  writeFileSync(canary, "untouched");
  return {
    name: "recoverSegments, finishSegment, verifyFolder, scanFinishedSegments: a data folder after a crash",
    weight: 0.3,
    make: (random) => changeFiles(files, random),
    check: async (input) => {
      plant(data, files);
      applyChanges(data, String(input));
      const receivedPath = join(data, "received");
      // A defect of one segment is caught by the thread that finishes it, and logged.
      const finish = async (segment: ClosedSegment, isRecovered: boolean) => {
        attempt(() => finishSegment({ receivedPath, segment, wantsWav: true, isRecovered }), Error);
      };
      const frameLogFolder = join(data, "frame-log");
      const run = { isLeftAlone: () => false, bootId: "another", wantsWav: true, log: silentLog };
      await recoverSegments({ receivedPath, frameLogFolder, ...run, finish });
      for await (const { problems } of verifyFolder(receivedPath)) assert.ok(Array.isArray(problems));
      for await (const { sidecar } of scanFinishedSegments(receivedPath, silentLog)) {
        assert.equal(basename(sidecar.name), sidecar.name, "a name that leads elsewhere");
      }
      assert.equal(readFileSync(canary, "utf8"), "untouched");
      assert.deepEqual(readdirSync(scratch).sort(), ["canary.bin", "data"]);
    },
  };
}

function spoolTarget(scratch: string): FuzzTarget {
  const files = spoolSeeds.map((bytes, index) => ({ path: `00000001/0000000${index + 1}.frames`, bytes }));
  const all = [...files, { path: "00000001/journal.json", bytes: Buffer.from(formatJournalState(journalSeed)) }];
  const folder = join(scratch, "spool");
  return {
    name: "openSpool: the folder of a spool",
    weight: 0.4,
    make: (random) => changeFiles(all, random),
    check: async (input) => {
      plant(folder, all);
      applyChanges(folder, String(input));
      const isSpoolError = (error: unknown) => error instanceof SpoolError;
      const errors: unknown[] = [];
      const spool = await attemptAsync(() => openSpool({ folder, onError: (error) => errors.push(error) }), SpoolError);
      if (spool === undefined) return;
      for (const journal of spool.journals) {
        let lastSeq = -1;
        for await (const { seq } of journal.frames(0)) {
          assert.ok(seq > lastSeq);
          lastSeq = seq;
        }
      }
      await spool.close();
      assert.ok(errors.every(isSpoolError));
    },
  };
}

function backupTarget(scratch: string): FuzzTarget {
  const marker = { format: "eet.backup-1", finished: "2026-03-01T00:00:00.000Z", segments: 5 };
  const source = join(scratch, "backup");
  // What is not empty is refused behind the marker, so that nothing is copied.
  const dataFolder = join(scratch, "restored");
  mkdirSync(source, { recursive: true });
  mkdirSync(join(dataFolder, "something"), { recursive: true });
  return {
    name: "restoreBackup: eet-backup.json",
    weight: 2,
    make: (random) => {
      const text = Buffer.from(JSON.stringify(marker));
      return random.chance(0.5) ? mutateJson(marker, random) : mutateBytes(text, random, [text], 1_024);
    },
    check: async (input) => {
      writeFileSync(join(source, "eet-backup.json"), input);
      const options = { source, dataFolder, onProgress: () => {}, signal: AbortSignal.timeout(60_000) };
      assert.equal(await attemptAsync(() => restoreBackup(options), StorageError), undefined);
      assert.deepEqual(existsSync(join(dataFolder, "catalog.db")), false);
    },
  };
}

/** What reads whole folders that a crash, a failing disk or somebody else has left. */
export function createDiskTargets(files: readonly SeedFile[]): readonly FuzzTarget[] {
  const scratch = () => {
    const folder = mkdtempSync(join(tmpdir(), "eet-fuzz-"));
    process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
    return folder;
  };
  return [recoveryTarget(scratch(), files), spoolTarget(scratch()), backupTarget(scratch())];
}
