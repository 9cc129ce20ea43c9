import type { RecordingListener } from "../kernel/recording-events.ts";
import type { FrameLog } from "../storage/frame-log-store.ts";
import type { WriterContext } from "./segment-writer.ts";

/** What the sessions of a recorder share. */
export interface SessionContext extends WriterContext {
  readonly frameLog: Pick<FrameLog, "openSegment" | "closeSegment" | "committed">;
  /** Template of the folders, see `formatSegmentFolder`. */
  readonly layout: string;
  readonly gapFill: "silence" | "skip";
  readonly bootId: string;
  readonly runId: string;
  readonly listener: RecordingListener;
}

/** Told by a session how it fares. */
export interface SessionObserver {
  /** Memory was given free. */
  onReleased(): void;
  /** How far the session is durable, or whether the disk takes anything, may have changed; for acknowledged ones. */
  onProgress(): void;
  /** The disk refuses whatever is tried: frames cannot be kept any longer. */
  onFailed(error: Error): void;
}
