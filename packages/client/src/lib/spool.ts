import type { StreamFormat } from "@eet/protocol";
import type { SpoolError } from "./spool-error.ts";

/** What it takes to open a spool. */
export interface SpoolOptions {
  /** Folder that belongs to this process alone while the spool is open; created if needed. */
  readonly folder: string;
  /**
   * Most bytes that frames take, on the disk and in memory on their way there; default 1 GiB, at least 64 KiB. Each file
   * may take 40 bytes more.
   */
  readonly maxBytes?: number;
  /** Frames are on stable storage at most this long after they were written; default 1 000, 1 to 60 000. */
  readonly syncIntervalMs?: number;
  /**
   * Told of what went wrong without a caller to tell it to: a disk that fails (once, until it works again), damage that
   * was found. Default: nobody is told.
   */
  readonly onError?: (error: SpoolError) => void;
  /** Size from which on a file is followed by a fresh one; default 1 MiB, or an eighth of `maxBytes` if that is less. */
  readonly fileBytes?: number;
}

/** A folder in which frames that no server has acknowledged survive a crash of this process and of the system. */
export interface Spool {
  /** All journals, oldest first: those of earlier processes and those created since. */
  readonly journals: readonly Journal[];
  /** Bytes that count against `maxBytes`: files, and frames that are still to be written. */
  readonly byteLength: number;
  readonly maxBytes: number;

  /**
   * Begins a journal. Several at a time are fine, one for each stream of the process.
   *
   * @throws {@link SpoolError} `SPOOL_DISK_FULL` or `SPOOL_IO` when its folder cannot be written
   */
  createJournal(facts: JournalFacts): Promise<Journal>;

  /**
   * Frees at least `byteCount` bytes, if there are that many in files: whole files, oldest journal first. Frames that
   * were not acknowledged are lost by that; they are never dropped otherwise. A file that the disk does not delete stays
   * with its frames, which is told to `onError`.
   *
   * @returns the frames that went, one entry for each journal that lost some; they may belong to another stream's
   *   journal. Empty when the files held only acknowledged frames.
   */
  dropOldest(byteCount: number): Promise<readonly DroppedFrames[]>;

  /** Writes and syncs what was appended and gives the folder free. Idempotent, never rejects: failures go to `onError`. */
  close(): Promise<void>;
}

/** What a journal is about: everything that a process needs to send its frames after the one that recorded them died. */
export interface JournalFacts {
  /** As given to connect, not sanitised; `null` for a device without a name. */
  readonly hwid: string | null;
  /** 0 to 2^32 - 1. */
  readonly streamId: number;
  readonly format: StreamFormat;
  /** Wall clock of the first sample, whole ms since 1970; 0 when unknown. */
  readonly startMs: number;
  /** How ADPCM is packed; `null` when unknown or PCM. [P-1.5] */
  readonly nibbleOrder: "low" | "high" | null;
}

/**
 * What became of an append.
 *
 * - `accepted`: the frame is in the journal.
 * - `spool-full`: `maxBytes` are reached. Wait for acknowledgements, or {@link Spool.dropOldest}.
 * - `disk-full`, `disk-failing`: an earlier write fails (ENOSPC; anything else). Frames that were accepted stay in
 *   memory and are tried again every second.
 * - `disk-slow`: the disk is more than 8 MiB behind, written frames that are not synced included.
 * - `closed`: the journal is sealed or removed, or the spool is closed.
 */
export type AppendResult = "accepted" | "spool-full" | "disk-full" | "disk-failing" | "disk-slow" | "closed";

/**
 * The frames of one session. Numbers of frames are unwrapped [P-2.2]: they go on beyond 2^32, up to 2^53. Numbers that
 * say "next" or "before" are exclusive.
 */
export interface Journal {
  readonly facts: JournalFacts;
  /** The server's name for the session, once {@link setSession} was given one. */
  readonly session: bigint | undefined;
  /** No frame before it is held: they were acknowledged or dropped. {@link nextSeq} when nothing is held. */
  readonly oldestSeq: number;
  /** One past the last frame that was appended or acknowledged; the least seq that {@link append} takes. 0 at first. */
  readonly nextSeq: number;
  /** Frames before it are with the system, or acknowledged: they survive the end of this process, however it ends. */
  readonly writtenSeq: number;
  /** Frames before it are on stable storage, or acknowledged: they survive a power cut. */
  readonly syncedSeq: number;
  /** Frames neither acknowledged nor dropped. Exact, but for the oldest file if seqs are missing in it. Never 0 by mistake. */
  readonly frameCount: number;
  /** Samples per channel of these frames. Exact while frames are alike, else right to one file. */
  readonly sampleCount: number;
  /** Bytes of this journal that count against the spool's `maxBytes`, acknowledged frames that share a file included. */
  readonly byteLength: number;
  /** Frames that {@link Spool.dropOldest} took from this journal, those of earlier processes included. */
  readonly droppedFrameCount: number;
  readonly isSealed: boolean;

  /**
   * Takes a copy of a frame. It is written within 100 ms or 64 KiB and synced within `syncIntervalMs` after that.
   *
   * @param seq - unwrapped; {@link nextSeq} or, past frames that will never come, more
   * @param sampleCount - samples per channel, 0 to 2^32 - 1
   * @param payload - at most 1 MiB; it may be reused as soon as the call returns
   * @throws RangeError for a seq before {@link nextSeq} or a value out of range
   */
  append(seq: number, sampleCount: number, payload: Uint8Array): AppendResult;

  /**
   * Resolves when {@link append} may take a frame again after it refused one: something was written, acknowledged or
   * dropped, here or in another journal, or there is nothing to wait for any more. It may refuse again. Never rejects.
   */
  waitForRoom(): Promise<void>;

  /**
   * Resolves when all that was appended until now is on stable storage or has been acknowledged.
   *
   * @throws {@link SpoolError} `SPOOL_DISK_FULL` or `SPOOL_IO` when the disk refuses; the frames stay in memory
   */
  flush(): Promise<void>;

  /**
   * Frames before `nextSeq` may go: the server has them. Whole files are deleted, soon after. After a crash frames that
   * were acknowledged in the last `syncIntervalMs` may come again (after a power cut: those of the oldest file), never
   * fewer than those that were not.
   *
   * A number past {@link nextSeq} moves that as well: after a crash the server may have frames that were sent and not yet
   * written. So hand the `next` of a resumed session in here before anything is appended; a frame with a seq that the
   * server has seen would be dropped there as a duplicate. [P-2.3]
   */
  acknowledge(nextSeq: number): void;

  /**
   * Remembers the server's name for the session, durably and in one step.
   *
   * @throws {@link SpoolError} `SPOOL_DISK_FULL` or `SPOOL_IO`
   */
  setSession(session: bigint): Promise<void>;

  /**
   * Reads frames back in order, from `fromSeq` (default {@link oldestSeq}) to the last one appended when the reader gets
   * there; appending, acknowledging and dropping may go on meanwhile. Memory is bounded by 256 KiB, or one frame. Frames
   * that turn out to be damaged are told to `onError` and passed over, up to the next file.
   *
   * @throws {@link SpoolError} `SPOOL_IO` when a file cannot be read
   */
  frames(fromSeq?: number): AsyncIterable<SpooledFrame>;

  /**
   * Nothing more is appended, now and after a restart: {@link append} says `closed`. Flushes.
   *
   * @throws {@link SpoolError} as {@link flush} does
   */
  seal(): Promise<void>;

  /**
   * Deletes the journal with all that is in it and takes it out of {@link Spool.journals}. Idempotent.
   *
   * @throws {@link SpoolError} `SPOOL_IO`
   */
  remove(): Promise<void>;
}

/** A frame as it was appended. */
export interface SpooledFrame {
  /** Unwrapped. */
  readonly seq: number;
  /** Samples per channel. */
  readonly sampleCount: number;
  /** Not shared with the journal; keeping it keeps up to 256 KiB around it. */
  readonly payload: Uint8Array;
}

/** Frames of one journal that were dropped for room. */
export interface DroppedFrames {
  readonly journal: Journal;
  /** First that went. */
  readonly fromSeq: number;
  /** One past the last that went. */
  readonly nextSeq: number;
  readonly frameCount: number;
  /** Samples per channel. */
  readonly sampleCount: number;
}
