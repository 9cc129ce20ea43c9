/** Bytes of an object, from `start` to `end` exclusive. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** What an object store gave. */
export interface ReadObject {
  /** The bytes that were asked for, all of them: fewer are an error. */
  readonly bytes: Uint8Array;
  /** Length of the whole object. */
  readonly objectBytes: number;
}

/** Reads what stands in the object store. */
export interface ObjectReader {
  /**
   * Reads an object, or a part of it, into memory.
   *
   * @param range - within the object; left out: all of it
   * @param maxBytes - more than this is refused before it is read; left out: no bound
   * @throws UploadError `UPLOAD_NO_OBJECT` when there is none, `UPLOAD_DENIED`, `UPLOAD_NO_BUCKET`,
   *   `UPLOAD_UNREACHABLE`, `UPLOAD_FAILED` from the store, `UPLOAD_MISMATCH` for other than the bytes that were asked for
   */
  get(key: string, range?: ByteRange, maxBytes?: number): Promise<ReadObject>;
}
