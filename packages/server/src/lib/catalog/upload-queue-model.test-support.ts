import { type FinishedSegment, type SegmentFileKind, segmentFileKinds } from "../kernel/finished-segment.ts";
import type { UploadCounts, UploadState } from "./upload-queue.ts";

interface ModelUpload {
  /** Tells a queued upload from those of the same file before and after it. */
  readonly serial: number;
  /** `{segment name}.{kind} {sha256}`. */
  readonly label: string;
  readonly name: string;
  readonly kind: SegmentFileKind;
  readonly bytes: number;
  readonly isBackfill: boolean;
  readonly queuedMs: number;
  state: UploadState;
  dueMs: number;
}

/** The queue as plain lists: what `UploadStore` must do, said a second time without a database. */
export class UploadQueueModel {
  #segments = new Map<string, FinishedSegment>();
  /** In the order they were queued. */
  #uploads: ModelUpload[] = [];
  #lastSerial = 0;

  addSegment(segment: FinishedSegment, kinds: readonly SegmentFileKind[], isBackfill: boolean, nowMs: number): void {
    const { name } = segment.sidecar;
    this.#segments.set(name, segment);
    for (const kind of segmentFileKinds) {
      const wanted = describe(segment, kind);
      const old = this.#uploads.find((upload) => upload.name === name && upload.kind === kind);
      const isReplaced = old !== undefined && old.label !== wanted?.label;
      if (isReplaced) this.#uploads.splice(this.#uploads.indexOf(old), 1);
      if (wanted === undefined) continue;
      if (isReplaced || (old === undefined && kinds.includes(kind))) this.#queue(wanted, isBackfill, nowMs);
      else if (old?.state === "failed" && kinds.includes(kind)) release(old);
    }
  }

  enqueueMissing(kinds: readonly SegmentFileKind[], nowMs: number): number {
    const before = this.#uploads.length;
    for (const kind of kinds) {
      for (const [name, segment] of this.#segments) {
        const wanted = describe(segment, kind);
        const isQueued = this.#uploads.some((upload) => upload.name === name && upload.kind === kind);
        if (wanted !== undefined && !isQueued) this.#queue(wanted, true, nowMs);
      }
    }
    return this.#uploads.length - before;
  }

  claim(limit: number, nowMs: number): readonly Pick<ModelUpload, "serial" | "label">[] {
    const due = this.#uploads.filter(
      ({ state, dueMs }) => state === "pending" || (state === "failed" && dueMs <= nowMs),
    );
    // Sorting is stable, so equal times stay in the order of queueing.
    due.sort((a, b) => Number(a.isBackfill) - Number(b.isBackfill) || a.dueMs - b.dueMs);
    const taken = due.slice(0, limit);
    for (const upload of taken) upload.state = "uploading";
    return taken;
  }

  markStored(serial: number): void {
    for (const upload of this.#claimed(serial)) upload.state = "stored";
  }

  markFailed(serial: number, nextTryMs: number): void {
    for (const upload of this.#claimed(serial)) Object.assign(upload, { state: "failed", dueMs: nextTryMs });
  }

  release(serial: number): void {
    for (const upload of this.#claimed(serial)) release(upload);
  }

  resetInterrupted(): void {
    for (const upload of this.#uploads) if (upload.state === "uploading") release(upload);
  }

  counts(): UploadCounts {
    const left = this.#uploads.filter(({ state }) => state !== "stored");
    const inState = (wanted: UploadState) => this.#uploads.filter(({ state }) => state === wanted).length;
    return {
      pending: inState("pending"),
      uploading: inState("uploading"),
      stored: inState("stored"),
      failed: inState("failed"),
      oldestPendingMs: left.length === 0 ? undefined : Math.min(...left.map(({ queuedMs }) => queuedMs)),
      pendingBytes: left.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  }

  nextDueMs(): number | undefined {
    const waiting = this.#uploads.filter(({ state }) => state === "pending" || state === "failed");
    return waiting.length === 0 ? undefined : Math.min(...waiting.map(({ dueMs }) => dueMs));
  }

  areAllStored(name: string): boolean {
    const uploads = this.#uploads.filter((upload) => upload.name === name);
    return uploads.length > 0 && uploads.every(({ state }) => state === "stored");
  }

  #queue(wanted: Described, isBackfill: boolean, nowMs: number): void {
    const serial = ++this.#lastSerial;
    this.#uploads.push({ ...wanted, serial, isBackfill, queuedMs: nowMs, state: "pending", dueMs: nowMs });
  }

  #claimed(serial: number): ModelUpload[] {
    return this.#uploads.filter((upload) => upload.serial === serial && upload.state === "uploading");
  }
}

type Described = Pick<ModelUpload, "label" | "name" | "kind" | "bytes">;

function describe(segment: FinishedSegment, kind: SegmentFileKind): Described | undefined {
  const { name, files } = segment.sidecar;
  const json = { bytes: segment.sidecarBytes, sha256: segment.sidecarSha256 };
  const file = { ...files, json }[kind];
  return file === null ? undefined : { label: `${name}.${kind} ${file.sha256}`, name, kind, bytes: file.bytes };
}

function release(upload: ModelUpload): void {
  upload.state = "pending";
  upload.dueMs = upload.queuedMs;
}
