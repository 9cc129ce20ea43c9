import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type Log, type LogFields, silentLog } from "../kernel/log.ts";
import type { ClosedSegment } from "../kernel/segment-record.ts";
import { finishSegment } from "./finish-segment-store.ts";
import { type RecoveryOptions, type RecoveryResult, recoverSegments } from "./recovery-store.ts";
import { pathOf, temporaryFolder } from "./segment-fixture.test-support.ts";
import { verifyFolder } from "./verification-store.ts";

/** What recovery gave, passed on and logged. */
export interface Outcome extends RecoveryResult {
  readonly finished: readonly { readonly segment: ClosedSegment; readonly isRecovered: boolean }[];
  readonly logged: readonly string[];
}

/** Recovers a tree as the run after the one of the fixtures does, finishing at once. */
export async function recover(root: string, options: Partial<RecoveryOptions> = {}): Promise<Outcome> {
  const finished: { segment: ClosedSegment; isRecovered: boolean }[] = [];
  const logged: string[] = [];
  const note = (_: LogFields, message: string) => logged.push(message);
  const log: Log = { ...silentLog, warn: note, error: note };
  const result = await recoverSegments({
    receivedPath: root,
    frameLogFolder: join(root, "..", "frame-log"),
    isLeftAlone: (runId) => runId === "run-2",
    bootId: "boot-1",
    wantsWav: true,
    log,
    finish: async (segment, isRecovered) => {
      finished.push({ segment, isRecovered });
      finishSegment({ receivedPath: root, segment, wantsWav: true, isRecovered });
      rmSync(pathOf(root, segment.opening, "open"), { force: true });
    },
    ...options,
  });
  return { ...result, finished, logged };
}

/** `data/received` of a fresh data folder. */
export function receivedFolder(t: TestContext): string {
  const path = join(temporaryFolder(t), "received");
  mkdirSync(path);
  return path;
}

/** What is wrong with the segments of a tree; one that is open counts. */
export async function problemsOf(root: string): Promise<string[]> {
  const problems: string[] = [];
  for await (const verdict of verifyFolder(root)) {
    problems.push(...verdict.problems);
    if (verdict.isOpen) problems.push(`${verdict.segment} is open`);
  }
  return problems;
}
