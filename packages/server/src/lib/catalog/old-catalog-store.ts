import { withCatalogErrors } from "./catalog-error.ts";
import { type CatalogFile, closeCatalogFile, openCatalogFile } from "./catalog-file-store.ts";

// Object keys are made of a segment's hwid and file name, so it is the name that tells whether an upload is the same;
// the folder may have been moved.
const copyUploadsSql = `
  INSERT INTO main.uploads (segment_id, kind, bytes, sha256, state, is_backfill, attempts, next_try_ms, error_code,
    reason, key, etag, stored_ms, queued_ms)
  SELECT segment.id, upload.kind, upload.bytes, upload.sha256, upload.state, upload.is_backfill, upload.attempts,
    upload.next_try_ms, upload.error_code, upload.reason, upload.key, upload.etag, upload.stored_ms, upload.queued_ms
  FROM old.uploads AS upload
  JOIN old.segments AS old_segment ON old_segment.id = upload.segment_id
  JOIN main.segments AS segment ON segment.name = old_segment.name
  WHERE upload.sha256 = CASE upload.kind
    WHEN 'bin' THEN segment.bin_sha256 WHEN 'wav' THEN segment.wav_sha256 ELSE segment.json_sha256 END
  ORDER BY upload.id`;

const copySessionEndsSql = `
  UPDATE main.sessions SET ended_ms = old_session.ended_ms FROM old.sessions AS old_session
  WHERE old_session.session = main.sessions.session AND old_session.ended_ms IS NOT NULL`;

const copyEvictionsSql = `
  UPDATE main.segments SET evicted_ms = old_segment.evicted_ms FROM old.segments AS old_segment
  WHERE old_segment.name = main.segments.name AND old_segment.evicted_ms IS NOT NULL`;

/**
 * Takes over what sidecars do not tell: the states of uploads whose file has the same name and SHA-256, when sessions
 * ended, and which segments are evicted. All of it or, when this throws, nothing.
 *
 * @param file - the new catalogue, its segments in place
 * @param oldPath - the old one, closed; an empty one is made when it is missing
 * @throws StorageError `CATALOG_UNREADABLE` or `INTERNAL`: the old one is damaged
 */
export async function keepUploadStates({ sqlite }: CatalogFile, oldPath: string): Promise<void> {
  // Opening brings the old schema up to date, closing folds its WAL in.
  closeCatalogFile(await openCatalogFile(oldPath));
  withCatalogErrors(oldPath, () => {
    sqlite.prepare("ATTACH ? AS old").run(oldPath);
    try {
      sqlite.transaction(() => {
        sqlite.prepare(copyUploadsSql).run();
        sqlite.prepare(copySessionEndsSql).run();
        sqlite.prepare(copyEvictionsSql).run();
      })();
    } finally {
      sqlite.exec("DETACH old");
    }
  });
}
