/**
 * What is wrong with a spool.
 *
 * - `SPOOL_LOCKED`: another process has the folder; the message names it.
 * - `SPOOL_DISK_FULL`: no room on the disk.
 * - `SPOOL_IO`: the folder or a file in it cannot be read or written.
 * - `SPOOL_DAMAGED`: what stands on the disk is not what was written. What is readable is kept.
 */
export type SpoolErrorCode = "SPOOL_LOCKED" | "SPOOL_DISK_FULL" | "SPOOL_IO" | "SPOOL_DAMAGED";

/** An error of a spool. */
export class SpoolError extends Error {
  override readonly name = "SpoolError";
  readonly code: SpoolErrorCode;

  /** @param options - `cause`: the system's error */
  constructor(code: SpoolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const diskFullCodes: ReadonlySet<unknown> = new Set(["ENOSPC", "EDQUOT"]);

/** No room on the disk, as opposed to a disk that fails: what was written stays as it is, and there may be room later. */
export function isDiskFull(error: unknown): boolean {
  if (error instanceof SpoolError) return error.code === "SPOOL_DISK_FULL";
  return diskFullCodes.has((error as { code?: unknown } | null)?.code);
}

/** The code of a system error (`ENOENT`, `EIO`, ...), if it is one. */
export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** Says what could not be done and why; leaves a {@link SpoolError} as it is. */
export function toSpoolError(failed: string, cause: unknown): SpoolError {
  if (cause instanceof SpoolError) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new SpoolError(isDiskFull(cause) ? "SPOOL_DISK_FULL" : "SPOOL_IO", `${failed}: ${why}`, { cause });
}
