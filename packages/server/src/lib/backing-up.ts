/** Backups of a data folder, for tools: a running server takes no part in them. */
export { type BackupReport, backUp, restoreBackup } from "./backup/backup-store.ts";
export type { CopyProgress, CopyReport } from "./backup/segment-copies-store.ts";
