/** A piece of production code that is replaced by something wrong. */
export interface SessionMutation {
  readonly name: string;
  /** From the repository's root. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly from: string;
  readonly to: string;
}

const recording = "packages/server/src/lib/recording";

/** Mistakes in the logic of acknowledged sessions, each of which would lose frames, keep them twice or misplace them. */
export const sessionMutations: readonly SessionMutation[] = [
  {
    name: "acknowledge on receipt",
    file: `${recording}/session.ts`,
    from: "return this.#durable.nextSeq(this.#timeline.nextSeq);",
    to: "return this.#timeline.nextSeq;",
  },
  {
    name: "acknowledge before the frame log's commit",
    file: `${recording}/session.ts`,
    from: "void this.#context.frameLog.committed().then(() => {",
    to: "void Promise.resolve().then(() => {",
  },
  {
    name: "acknowledge a closed segment before the frame log's commit",
    file: `${recording}/session.ts`,
    from: "this.#whenCommitted(() => this.#durable.close(writing.extent));",
    to: "this.#durable.close(writing.extent);",
  },
  {
    name: "acknowledge a failed file's frames before the frame log's commit",
    file: `${recording}/session.ts`,
    from: "this.#whenCommitted(() => this.#durable.close(failed.extent));",
    to: "this.#durable.close(failed.extent);",
  },
  {
    name: "acknowledge what a failed file held and its replacement does not hold yet",
    file: `${recording}/session.ts`,
    from: "extent: this.#durable.open(leadingGap?.fromSeq ?? start.seq),",
    to: "extent: this.#durable.open(this.#timeline.nextSeq - 1),",
  },
  {
    name: "acknowledge up to the newest segment's position",
    file: `${recording}/durable-position.ts`,
    from: "nextSeq = Math.min(nextSeq, extent.nextSeq);",
    to: "nextSeq = extent.nextSeq;",
  },
  {
    name: "acknowledge frames that came during the sync",
    file: `${recording}/segment-writer.ts`,
    from: "this.#observer.onSynced(written.position ?? this.opening.start);",
    to: "this.#observer.onSynced(this.#position);",
  },
  {
    name: "take known frames again",
    file: `${recording}/timeline.ts`,
    from: "if (distance < 0) return known;",
    to: "",
  },
  {
    name: "compare seqs without a sign",
    file: "packages/protocol/src/lib/serial.ts",
    from: "return (to - from) | 0;",
    to: "return (to - from) >>> 0;",
  },
  {
    name: "compare seqs without the wrap",
    file: "packages/protocol/src/lib/serial.ts",
    from: "return (to - from) | 0;",
    to: "return to - from;",
  },
  {
    name: "go on one frame before the resume point",
    file: `${recording}/timeline.ts`,
    from: "new SeqTracker(resumeFrom?.next.seq)",
    to: "new SeqTracker(resumeFrom && resumeFrom.next.seq - 1)",
  },
  {
    name: "go on one frame behind the resume point",
    file: `${recording}/timeline.ts`,
    from: "new SeqTracker(resumeFrom?.next.seq)",
    to: "new SeqTracker(resumeFrom && resumeFrom.next.seq + 1)",
  },
  {
    name: "go on at the session's first sample",
    file: `${recording}/timeline.ts`,
    from: "this.#sample = resumeFrom?.next.sample ?? 0;",
    to: "this.#sample = 0;",
  },
  {
    name: "number a resumed session's segments anew",
    file: `${recording}/session.ts`,
    from: "this.#nextIndex = resumeFrom?.nextIndex ?? 0;",
    to: "this.#nextIndex = 0;",
  },
  {
    name: "take frames from a superseded connection",
    file: `${recording}/delivery.ts`,
    from: "if (this.#isLost) return true;",
    to: "",
  },
  {
    name: "leave a superseded connection untold",
    file: `${recording}/held-session.ts`,
    from: "older?.supersede();",
    to: "",
  },
  {
    name: "resume a session that is still being brought to rest",
    file: `${recording}/deliveries.ts`,
    from: 'await held.end("session-ended");',
    to: 'void held.end("session-ended");',
  },
  {
    name: "resume a session that was given up",
    file: `${recording}/deliveries.ts`,
    from: "if (this.#givenUp.has(id)) return this.#startOver();",
    to: "",
  },
  {
    name: "begin a session twice that begins while it is looked up",
    file: `${recording}/deliveries.ts`,
    from: "if (this.#begun.delete(id)) return this.#resumeNow(id, request);",
    to: "",
  },
  {
    name: "acknowledge a long gap before what lies behind it is durable",
    file: `${recording}/session.ts`,
    from: "this.#durable.open(leadingGap?.fromSeq ?? start.seq)",
    to: "this.#durable.open(start.seq)",
  },
  {
    name: "let a superseded connection free the session",
    file: `${recording}/held-session.ts`,
    from: "if (this.#holder !== holder) return;",
    to: "",
  },
  {
    name: "give a session to another device",
    file: `${recording}/deliveries.ts`,
    from: "record.hwid === hwid &&",
    to: "",
  },
  {
    name: "believe a later sync of a file whose sync has failed",
    file: `${recording}/segment-writer.ts`,
    from: '["EMFILE", "ENFILE",',
    to: '["STORAGE_IO", "EMFILE", "ENFILE",',
  },
  {
    name: "keep only what a failed file was not handed",
    file: `${recording}/segment-writer.ts`,
    from: "unsynced: this.#retained.slices(this.#synced.bytes, this.#retained.endOffset),",
    to: "unsynced: this.#retained.slices(this.#written.bytes, this.#retained.endOffset),",
  },
  {
    name: "give memory free when it is written",
    file: `${recording}/segment-writer.ts`,
    from: "    this.#written = written;\n  }",
    to: "    this.#written = written;\n    this.#retained.release(written.bytes);\n  }",
  },
  {
    name: "close a segment without its last sync",
    file: `${recording}/segment-writer.ts`,
    from: "if (this.#isSyncDue) return this.#sync(this.#file);",
    to: 'if (this.#isSyncDue && this.#state !== "closing") return this.#sync(this.#file);',
  },
  {
    name: "place what follows a failed file as if there were no gap",
    file: `${recording}/session.ts`,
    from: "failed.notes.gapAt(syncedPosition.seq) ?? null",
    to: "null",
  },
  {
    name: "write a session's segments side by side",
    file: `${recording}/segment-line.ts`,
    from: "if (place > 0) writing.writer.hold();",
    to: "",
  },
  {
    name: "forget the cause of a gap",
    file: `${recording}/timeline.ts`,
    from: 'cause: isDeclared ? "device-dropped" : "not-received",',
    to: 'cause: "not-received",',
  },
  {
    name: "leave a gap's samples out",
    file: `${recording}/timeline.ts`,
    from: "this.#sample += sampleCount;\n  }\n\n  /** Moves past the frame",
    to: "void sampleCount;\n  }\n\n  /** Moves past the frame",
  },
];
