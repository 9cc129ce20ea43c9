import type { StoreCredentials } from "../kernel/store-credentials.ts";

/** A local file on its way to the object store. */
export interface ObjectSource {
  readonly key: string;
  /** Absolute path of the file. */
  readonly path: string;
  /** Length that the file must have. */
  readonly bytes: number;
  /** SHA-256 that the file must have, lower-case hex; kept with the object as metadata `sha256`. */
  readonly sha256: string;
  readonly contentType: string;
  /** ASCII, names in lower case. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Ends the attempt; the object may still come into being. */
  readonly signal: AbortSignal;
}

/** An object that stands verified in the store. */
export interface VerifiedObject {
  /** As the store gives it, without quotes. */
  readonly etag: string;
}

/** Where segments go after they are closed. */
export interface ObjectStore {
  /**
   * Stores a file under a key, and resolves only after the store has shown that it holds these bytes. [S-4.2] An object
   * that is there already with the same bytes is left as it is, so repeating a put is free of effect. That holds for a
   * file that is gone, too: a rebuilt catalogue may not know that it was stored and evicted.
   *
   * @throws UploadError `UPLOAD_DENIED`, `UPLOAD_NO_BUCKET`, `UPLOAD_UNREACHABLE`, `UPLOAD_MISMATCH`, `UPLOAD_FAILED`
   *   from the store, `UPLOAD_SOURCE_MISSING` for a file that is neither here nor there
   * @throws StorageError `SEGMENT_UNREADABLE` for a file with other bytes than stated, `STORAGE_IO` for one that cannot
   *   be read
   * @throws the signal's reason when it is aborted
   */
  put(source: ObjectSource): Promise<VerifiedObject>;
  /**
   * Removes an object; one that is not there is fine, so repeating it is free of effect.
   *
   * @throws UploadError `UPLOAD_DENIED`, `UPLOAD_NO_BUCKET`, `UPLOAD_UNREACHABLE`, `UPLOAD_FAILED`
   */
  delete(key: string): Promise<void>;
  /** Cuts all connections; puts in flight fail. Idempotent. */
  close(): void;
}

/** Uploads in parts, by which large files go, as far as it shows whether one may. */
export interface PartsTrial {
  /**
   * Begins an upload in parts.
   *
   * @returns its id
   * @throws UploadError as `ObjectStore.delete`
   */
  beginParts(key: string): Promise<string>;
  /** Drops an upload in parts. @throws UploadError as `ObjectStore.delete` */
  dropParts(key: string, id: string): Promise<void>;
}

/** Which bucket, where, and how to get in. [S-4.5] */
export interface ObjectStoreOptions {
  readonly provider: "aws" | "scaleway";
  readonly bucket: string;
  /** Default: what the AWS SDK finds in the environment or the profile. */
  readonly region?: string;
  /** Endpoint of an S3-compatible store; default: AWS. */
  readonly serviceUrl?: string;
  /** Puts the bucket into the path instead of the host name. */
  readonly forcePathStyle: boolean;
  readonly credentials: StoreCredentials;
}
