import type { Sidecar } from "./sidecar.ts";

/** A closed segment whose files stand on disk under their final names. */
export interface FinishedSegment {
  readonly sidecar: Sidecar;
  /** Folder of the files relative to `data/received`, `/`-separated; empty for that folder itself. */
  readonly folder: string;
  /** Bytes of the sidecar file, which cannot state its own. */
  readonly sidecarBytes: number;
  /** SHA-256 of the sidecar file, lower-case hex. */
  readonly sidecarSha256: string;
  /** Bytes of the overview that was written; left out when none was. */
  readonly overviewBytes?: number;
}

/** The files of a segment, named by their endings. */
export const segmentFileKinds = ["bin", "wav", "json"] as const;

/** One file of a segment. */
export type SegmentFileKind = (typeof segmentFileKinds)[number];
