import type { ServerErrorCode } from "../kernel/error-table.ts";
import type { UploadThroughput } from "../kernel/upload-throughput.ts";

/** Room on the data folder's disk. [S-2.5] */
export interface DiskFacts {
  readonly state: "ok" | "soft" | "hard";
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** Free bytes below which room is made and no WAVs are derived. */
  readonly softBytes: number;
  /** Free bytes below which no new streams are taken. */
  readonly hardBytes: number;
  /** Held back so that open segments can be finished on a full disk. */
  readonly reserveBytes: number;
  /** Whether it is; `undefined`: nobody knows, as where a folder is read without a server. */
  readonly isReserveHeld: boolean | undefined;
  /** What is recorded, by the last hour; `undefined`: not known yet. */
  readonly bytesPerHour: number | undefined;
  /** How much of that hour is known, s. */
  readonly rateKnownS: number;
  /** Until the hard mark at that rate; `Infinity`: it does not fill. */
  readonly headroomHours: number | undefined;
}

/** Where recordings are uploaded to, how fast, and what is in the way. */
export interface UploadingFacts {
  /** URL of the store; `undefined`: that of AWS. */
  readonly endpoint: string | undefined;
  readonly bucket: string;
  /** What object keys begin with. */
  readonly prefix: string;
  readonly region: string | undefined;
  /** Kinds of files that are uploaded. */
  readonly kinds: readonly string[];
  /** Whether local files go as soon as all of a segment is stored. [S-4.4] */
  readonly deleteAfterUpload: boolean;
  readonly throughput: UploadThroughput;
  /** Why the store as a whole cannot be used; `undefined` while it can. */
  readonly trouble:
    | {
        readonly code: ServerErrorCode;
        /** What came back. */
        readonly reason: string;
        /** ms since 1970. */
        readonly nextTryMs: number;
      }
    | undefined;
}

/** Limits of what may stay on the disk; `undefined`: none. */
export interface QuotaFacts {
  readonly maxAgeD: number | undefined;
  readonly maxBytes: number | undefined;
}

/** What may stay on the disk, as the settings say. */
export interface RetentionFacts extends QuotaFacts {
  /** Time between two looks at what is past its quota. */
  readonly intervalMin: number;
  /** Devices with limits of their own. */
  readonly devices: readonly (QuotaFacts & { readonly hwid: string })[];
}

/** What is asked of the parts that keep and upload recordings. */
export interface StorageFacts {
  readonly disk: DiskFacts;
  /** Of all `.bin` and `.wav` on the disk. */
  readonly localBytes: number;
  /** `undefined`: uploads are off, or nobody uploads here now. */
  readonly uploading: UploadingFacts | undefined;
  readonly retention: RetentionFacts;
}
