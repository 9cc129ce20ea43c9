/**
 * The server of EET: receives live audio over WebSocket, records it, derives WAVs, catalogues and uploads.
 *
 * @packageDocumentation
 */
export { type BackupReport, backUp, type CopyProgress, type CopyReport, restoreBackup } from "./lib/backing-up.ts";
export { readSettings } from "./lib/config/config-store.ts";
export { formatSettings, formatSettingsJson } from "./lib/config/format-settings.ts";
export type { Settings } from "./lib/config/settings.ts";
export { listSettingFlags } from "./lib/config/settings-table.ts";
export { type DiagnoseOptions, diagnose, type Finding } from "./lib/diagnose.ts";
export { type AssumedFormat, type Inspection, inspectBin } from "./lib/finishing/inspection-store.ts";
export { type SegmentVerdict, verifyFolder } from "./lib/finishing/verification-store.ts";
export { createAuditLog, openTokenBook, parseHwidPattern, type Role, roles, type TokenBook } from "./lib/guarding.ts";
export { systemClock } from "./lib/kernel/clock.ts";
export { ConfigError, RequestError, ServerError, StorageError } from "./lib/kernel/errors.ts";
export type { FinishedSegment } from "./lib/kernel/finished-segment.ts";
export { silentLog } from "./lib/kernel/log.ts";
export type { Sidecar } from "./lib/kernel/sidecar.ts";
export { type Library, type LibraryOptions, type LibraryRequest, openLibrary } from "./lib/library.ts";
export { createLogger } from "./lib/logger.ts";
export { type ReindexSummary, reindexFolder } from "./lib/reindex-folder.ts";
export { type RunOptions, runServer } from "./lib/run-server.ts";
export { EetServer, type ServerOptions } from "./lib/server.ts";
export { readVoice } from "./lib/simulation/recorded-voice-store.ts";
export type { SoundSource } from "./lib/simulation/sound-source.ts";
export { kindDescriptions, makeSound, type SimulatedKind } from "./lib/simulation/sounds.ts";
export { SimulatedDevice } from "./lib/simulation/ws-simulated-device.ts";
