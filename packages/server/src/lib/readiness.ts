import type { Readiness } from "./api/http-api.ts";
import type { Catalog } from "./catalog/catalog.ts";
import type { Clock } from "./kernel/clock.ts";
import { toError } from "./kernel/errors.ts";
import type { DiskGuard } from "./storage/disk-guard.ts";

/** What recovery of an earlier run's segments has come to. */
export type RecoveryState = Readiness["checks"]["recovery"];

export interface ReadinessParts {
  readonly recovery: RecoveryState;
  readonly disk: Pick<DiskGuard, "state" | "freeBytes">;
  readonly catalog: Pick<Catalog, "probe">;
}

/** What is in the way: for everybody, and for those who may read what goes on here. */
interface Reason {
  readonly plain: string;
  readonly full: string;
}

/** Whether a server should be sent devices, and why not. Never rejects. */
export async function readReadiness({ recovery, disk, catalog }: ReadinessParts): Promise<Readiness> {
  const fault = await catalog.probe().then(
    () => undefined,
    (thrown: unknown) => toError(thrown).message,
  );
  const reasons = [...reasonsOfRecovery(recovery), ...reasonsOfDisk(disk)];
  if (fault !== undefined) reasons.push({ plain: "the catalogue does not answer", full: fault });
  return {
    status: reasons.length === 0 ? "ready" : "not-ready",
    reasons: reasons.map(({ full }) => full),
    plainReasons: reasons.map(({ plain }) => plain),
    checks: { recovery, disk: disk.state, catalog: fault === undefined ? "ok" : "failing" },
  };
}

/** Time for which what the catalogue answered is taken to be so still. */
const probeTtlMs = 1_000;

/** Asks the catalogue once a second at most, as everybody may ask how it is. */
export function limitProbes(
  catalog: ReadinessParts["catalog"],
  clock: Pick<Clock, "monotonicMs">,
): ReadinessParts["catalog"] {
  let last: { readonly answer: Promise<void>; readonly atMs: number } | undefined;
  return {
    probe: () => {
      const nowMs = clock.monotonicMs();
      if (last === undefined || nowMs - last.atMs >= probeTtlMs) last = { answer: catalog.probe(), atMs: nowMs };
      return last.answer;
    },
  };
}

function reasonsOfRecovery(recovery: RecoveryState): Reason[] {
  if (recovery === "done") return [];
  const text =
    recovery === "running"
      ? "what an earlier run left is still being finished"
      : "recovery stopped on an error that the log tells; the next start goes on with it";
  return [{ plain: text, full: text }];
}

function reasonsOfDisk({ state, freeBytes }: ReadinessParts["disk"]): Reason[] {
  if (state !== "hard") return [];
  const freeMiB = Math.floor(freeBytes / 2 ** 20);
  const full = `the data folder's disk has ${freeMiB} MiB free, which is below its hard mark: no stream is taken`;
  return [{ plain: "the data folder's disk is full: no stream is taken", full }];
}
