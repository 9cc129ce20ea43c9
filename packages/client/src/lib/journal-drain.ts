import { formatFrame } from "@eet/protocol";
import type { CloseResult } from "./close-result.ts";
import { Courier, type CourierPlan } from "./courier.ts";
import { type CaptureTime, type SendTallies, SendWindow } from "./send-window.ts";
import type { LinkState, SessionEnding } from "./session-state.ts";
import type { Journal, JournalFacts, SpooledFrame } from "./spool.ts";
import { UploadTally } from "./upload-tally.ts";

/** How a journal is delivered: what its facts do not say. */
export interface JournalDrainPlan
  extends Pick<CourierPlan, "url" | "token" | "fallback" | "giveUpMs" | "connect" | "clock" | "timing"> {
  /** Bound of the frames in memory. */
  readonly maxBytes: number;
}

/** What a drain needs besides. */
export interface JournalDrainOptions extends JournalDrainPlan {
  readonly tallies: SendTallies;
  /** Frames before it are counted as sent; `undefined`: an earlier process wrote the journal. */
  readonly countedEndSeq: number | undefined;
  readonly maySend: () => boolean;
  readonly onProgress: () => void;
}

/** How a drain ended. */
export interface DrainResult {
  readonly ending: SessionEnding;
  readonly last: CloseResult | undefined;
}

/**
 * Delivers the frames of one journal over a connection of its own, in the session that they were written for: what the
 * server has of them is not sent again. [P-2.4]
 */
export class JournalDrain {
  readonly #journal: Journal;
  readonly #window: SendWindow;
  readonly #courier: Courier;
  readonly #ended = Promise.withResolvers<DrainResult>();
  #isOver = false;
  /** The name of the session that frames go to is on the disk, if it can be. */
  #isSessionSafe = true;
  #wakeFeeder = () => {};

  constructor(journal: Journal, options: JournalDrainOptions) {
    const { tallies, countedEndSeq, maxBytes, onProgress } = options;
    const { streamId, format, nibbleOrder } = journal.facts;
    this.#journal = journal;
    this.#window = new SendWindow({
      firstSeq: journal.oldestSeq,
      // A server may have frames that were sent by a process that died before it could write them down.
      sentEndSeq: Number.MAX_SAFE_INTEGER,
      ...(countedEndSeq !== undefined && { countedEndSeq }),
      maxBytes,
      // As much as memory takes is acknowledged at a time: hours are not to take hours.
      maxSampleCount: Number.POSITIVE_INFINITY,
      tallies,
    });
    const plan: CourierPlan = {
      ...options,
      streamId,
      format,
      nibbleOrder: nibbleOrder ?? undefined,
      window: this.#window,
      uploads: new UploadTally(tallies.durable),
      droppedFrameCount: () => journal.droppedFrameCount,
      startMs: () => captureTimeOf(journal.facts, this.#window.oldestSeq).captureMs,
      session: journal.session ?? 0n,
      maySend: () => this.#isSessionSafe && options.maySend(),
    };
    this.#courier = new Courier(plan, {
      onState: onProgress,
      onJoin: (session) => void this.#join(session),
      onProgress: () => {
        this.#acknowledge();
        onProgress();
      },
      onEnd: (ending, last) => this.#end(ending, last),
    });
  }

  get state(): LinkState {
    return this.#courier.state;
  }

  /** Resolves when all is delivered, or never will be; never rejects. */
  run(): Promise<DrainResult> {
    if (this.#journal.frameCount === 0) {
      this.#end("complete", undefined);
    } else {
      this.#courier.start();
      void this.#feed();
    }
    return this.#ended.promise;
  }

  /** Sends what may be sent. */
  pump(): void {
    this.#courier.pump();
  }

  /** See {@link Courier.connectNow}. */
  connectNow(): void {
    this.#courier.connectNow();
  }

  /** Ends at once; the journal keeps what was not acknowledged. */
  abort(): void {
    this.#courier.abort();
  }

  /** A process that comes after this one is to go on with the same session. */
  async #join(session: bigint | undefined): Promise<void> {
    if (session === undefined || session === this.#journal.session) return;
    this.#isSessionSafe = false;
    // Where it cannot be written, frames may come twice after a crash: better than not at all.
    await this.#journal.setSession(session).catch(() => {});
    this.#isSessionSafe = this.#journal.session === session;
    this.#courier.pump();
  }

  async #feed(): Promise<void> {
    try {
      for await (const frame of this.#journal.frames()) {
        await this.#waitWhile(() => this.#window.isFull);
        // A hole: frames that were dropped for room or are damaged.
        if (frame.seq > this.#window.endSeq) await this.#waitWhile(() => !this.#window.isSettled);
        if (this.#isOver) return;
        this.#append(frame);
      }
      this.#courier.finish();
    } catch {
      // The spool has told what is wrong with the disk; the frames stay there.
      this.#end("undelivered", undefined);
      this.#courier.abort();
    }
  }

  #append({ seq, sampleCount, payload }: SpooledFrame): void {
    const { facts } = this.#journal;
    const window = this.#window;
    if (seq > window.endSeq) window.skipTo(seq);
    const message = formatFrame(facts.format.codec, seq, payload);
    window.append({ message, sampleCount, captured: captureTimeOf(facts, seq) });
    this.#courier.pump();
  }

  async #waitWhile(isToWait: () => boolean): Promise<void> {
    while (isToWait() && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wakeFeeder = resolve;
      });
    }
  }

  #acknowledge(): void {
    this.#journal.acknowledge(this.#window.durableSeq);
    this.#wakeFeeder();
  }

  #end(ending: SessionEnding, last: CloseResult | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#wakeFeeder();
    this.#ended.resolve({ ending, last });
  }
}

/** Journals tell the time of seq 0, if their frames are alike; the device's monotonic clock is not known any more. */
function captureTimeOf({ startMs, format }: JournalFacts, seq: number): CaptureTime {
  const elapsedMs = (seq * format.frameSampleCount * 1000) / format.sampleRateHz;
  return { captureMs: startMs === 0 ? 0 : Math.round(startMs + elapsedMs), captureUs: Math.round(elapsedMs * 1000) };
}
