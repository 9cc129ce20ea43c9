import type { Database, Statement } from "better-sqlite3";

/**
 * Uploads that were in flight when their segment was deleted: what they bring into the object store is removed with the
 * rest, which waits until they have reported.
 */
export class DeletedUploadStore {
  readonly #land: Statement<[uploadId: number], number>;
  readonly #landAll: Statement<[]>;
  readonly #note: Statement<[{ id: number; key: string | null }]>;
  readonly #noteAll: Statement<[]>;

  constructor(sqlite: Database) {
    this.#land = sqlite
      .prepare<[number], number>("DELETE FROM deleted_uploads WHERE upload_id = ? RETURNING deletion_id")
      .pluck();
    this.#landAll = sqlite.prepare("DELETE FROM deleted_uploads");
    this.#note = sqlite.prepare(`
      UPDATE deletions SET uploads_in_flight = uploads_in_flight - 1,
        keys = iif(@key IS NULL OR EXISTS (SELECT 1 FROM json_each(keys) WHERE value = @key), keys,
          json_insert(keys, '$[#]', @key))
      WHERE id = @id`);
    this.#noteAll = sqlite.prepare("UPDATE deletions SET uploads_in_flight = 0 WHERE uploads_in_flight > 0");
  }

  /** Notes that an upload, if it is one of these, came to its end. @param key - of the object that stands now */
  report(uploadId: number, key: string | null = null): void {
    const id = this.#land.get(uploadId);
    if (id !== undefined) this.#note.run({ id, key });
  }

  /** Notes that none is in flight any more: a new run begins. */
  reportAll(): void {
    this.#landAll.run();
    this.#noteAll.run();
  }
}
