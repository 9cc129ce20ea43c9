import type { AudioAmount } from "./audio-amount.ts";
import { type Backlog, type BacklogMember, backlogOf } from "./backlog.ts";
import type { CloseResult } from "./close-result.ts";
import { Courier } from "./courier.ts";
import type { JournalDrainPlan } from "./journal-drain.ts";
import { JournalWriter, type NumberedFrame } from "./journal-writer.ts";
import type { MemoryOutletPlan } from "./memory-outlet.ts";
import type { BufferedAmount, Outlet, OutletEvents } from "./outlet.ts";
import { type HeldFrame, SendWindow } from "./send-window.ts";
import type { DeliveryMode, LinkState, SessionEnding } from "./session-state.ts";
import type { DroppedFrames, JournalFacts, Spool } from "./spool.ts";
import { UploadTally } from "./upload-tally.ts";

/** Without a connection for so long, a full window is spilled: a shorter break is waited for. */
const spillAfterMs = 5_000;
/** Part of a full spool that is freed at a time, at least. */
const dropShare = 1 / 64;

/** What an outlet with a spool is made from. */
export interface SpooledOutletPlan extends MemoryOutletPlan {
  readonly spool: Spool;
  readonly hwid: string | null;
  /** How a journal is delivered. */
  readonly drainPlan: (facts: JournalFacts) => JournalDrainPlan;
}

/**
 * Keeps frames in memory and in a journal of the spool, and has them delivered by one courier.
 *
 * When memory is full and there is no connection, memory lets go of what the journal has: the session has spilled. From
 * then on frames go to the journal alone. The next connection begins a fresh session and a fresh journal with the live
 * frames, and the journal with what came before is delivered besides, by the {@link Backlog}. What the disk has not taken
 * by then begins the fresh session; frames of it that were on their way when the connection broke may come twice.
 */
export class SpooledOutlet implements Outlet, BacklogMember {
  readonly #plan: SpooledOutletPlan;
  readonly #events: OutletEvents;
  readonly #window: SendWindow;
  readonly #uploads: UploadTally;
  readonly #courier: Courier;
  readonly #backlog: Backlog;
  #writer: JournalWriter;
  #nextSeq: number;
  /** Frames go to the journal alone. */
  #isSpilled = false;
  /** Frames may be dropped for room: {@link makeRoom} was called. */
  #mayDrop = false;
  #isFinishing = false;
  #isOver = false;
  /** The present journal is deleted. */
  #isDiscarded = false;
  /** When the connection was lost, or the session began. */
  #offlineSinceMs: number;
  #stopOffline = () => {};
  #toldState: LinkState | undefined;
  /** How the live part ended, once all of it is delivered. */
  #delivered: { readonly ending: SessionEnding; readonly last: CloseResult | undefined } | undefined;

  constructor(plan: SpooledOutletPlan, events: OutletEvents) {
    const { tallies, nextStartMs, spool, firstSeq } = plan;
    this.#plan = plan;
    this.#events = events;
    this.#nextSeq = firstSeq;
    this.#offlineSinceMs = plan.clock.monotonicMs();
    const liveTallies = { ...tallies, durable: tallies.durable.part() };
    const window = new SendWindow({ ...plan, tallies: liveTallies });
    this.#window = window;
    this.#uploads = new UploadTally(liveTallies.durable);
    this.#backlog = backlogOf(spool);
    this.#writer = this.#createWriter();
    this.#courier = new Courier(
      {
        ...plan,
        window,
        uploads: this.#uploads,
        droppedFrameCount: () => tallies.dropped.frameCount,
        startMs: () => window.oldest?.captured.captureMs ?? nextStartMs(),
        maySend: () => this.#writer.isSessionSafe,
      },
      {
        onState: () => this.#followState(),
        onJoin: (session, isFresh) => this.#join(session, isFresh),
        onProgress: () => this.#followProgress(),
        onEnd: (ending, last) => void this.#endLive(ending, last),
      },
    );
    this.#backlog.join(this);
  }

  get state(): LinkState {
    return this.#delivered === undefined ? this.#courier.state : this.#backlog.state;
  }

  get delivery(): DeliveryMode | undefined {
    return this.#courier.delivery;
  }

  get connectionCount(): number {
    return this.#courier.connectionCount;
  }

  get isSlowedDown(): boolean {
    return this.#courier.isSlowedDown;
  }

  get maxMessageBytes(): number {
    return this.#courier.maxMessageBytes;
  }

  get hasRoom(): boolean {
    return this.#isSpilled ? this.#fits(1) : !this.#window.isFull || this.#canSpill;
  }

  get buffered(): BufferedAmount {
    if (!this.#isSpilled) {
      const { heldCount, heldSampleCount, heldBytes } = this.#window;
      return { frameCount: heldCount, sampleCount: heldSampleCount, byteCount: heldBytes };
    }
    const { waitingCount, waitingSampleCount, waitingBytes } = this.#writer;
    return { frameCount: waitingCount, sampleCount: waitingSampleCount, byteCount: waitingBytes };
  }

  get backlog(): BufferedAmount {
    const { frameCount, sampleCount, byteCount } = this.#backlog.amountOf(this);
    const spilled = this.#isSpilled ? this.#writer.journal : undefined;
    if (spilled === undefined) return { frameCount, sampleCount, byteCount };
    return {
      frameCount: frameCount + spilled.frameCount,
      sampleCount: sampleCount + spilled.sampleCount,
      byteCount: byteCount + spilled.byteLength,
    };
  }

  get uploaded(): AudioAmount | undefined {
    return this.#uploads.isKnown ? this.#uploads.amount : undefined;
  }

  get hwid(): string | null {
    return this.#plan.hwid;
  }

  get isReachable(): boolean {
    if (this.#isOver) return false;
    return this.#isDiscarded || this.#courier.state.kind === "open";
  }

  get hasUnsent(): boolean {
    return this.#courier.state.kind === "open" && this.#delivered === undefined && this.#window.hasUnsent;
  }

  drainPlan(facts: JournalFacts): JournalDrainPlan {
    return this.#plan.drainPlan(facts);
  }

  start(): void {
    this.#courier.start();
  }

  take(frame: HeldFrame): void {
    const seq = this.#nextSeq;
    this.#nextSeq += 1;
    if (!this.#isSpilled && this.#window.isFull && this.#canSpill) this.#spill();
    if (this.#isSpilled) this.#window.reset(this.#nextSeq);
    else this.#window.append(frame);
    this.#writer.push(seq, frame);
    this.#courier.start();
    this.#pump();
  }

  makeRoom(): void {
    this.#mayDrop = true;
    if (this.#isSpilled) this.#makeSpoolRoom();
    else if (this.#isPartlyInJournal) this.#spill();
    else this.#dropFromMemory();
    this.#events.onProgress();
  }

  finish(): void {
    this.#isFinishing = true;
    if (!this.#isSpilled) this.#courier.finish();
  }

  connectNow(): void {
    this.#courier.connectNow();
    this.#backlog.connectNow();
  }

  abort(): void {
    if (this.#delivered === undefined) this.#courier.abort();
    else this.#end("aborted", undefined);
  }

  onDropped({ frameCount, sampleCount }: DroppedFrames): void {
    // Otherwise memory has them still.
    if (this.#isSpilled) this.#plan.tallies.dropped.add(frameCount, sampleCount);
  }

  onBacklog(): void {
    if (this.#isOver) return;
    this.#events.onProgress();
    if (this.#delivered === undefined) return;
    this.#tellState();
    this.#endIfDrained();
  }

  get #canSpill(): boolean {
    if (this.#courier.state.kind === "open" || !this.#writer.isCaughtUp) return false;
    return this.#plan.clock.monotonicMs() - this.#offlineSinceMs >= spillAfterMs;
  }

  /** The journal has frames that memory holds: those need not be lost. */
  get #isPartlyInJournal(): boolean {
    const { isCaughtUp, oldestWaitingSeq, journal } = this.#writer;
    return isCaughtUp || (journal !== undefined && this.#window.oldestSeq < (oldestWaitingSeq ?? 0));
  }

  /** Whether what waits for the disk takes less than `factor` windows. */
  #fits(factor: number): boolean {
    const { maxBytes, maxSampleCount } = this.#plan;
    const { waitingBytes, waitingSampleCount } = this.#writer;
    return waitingBytes < maxBytes * factor && waitingSampleCount < maxSampleCount * factor;
  }

  /** Memory lets go of everything; what the disk has not taken yet stays with the writer, and is live again later. */
  #spill(): void {
    this.#isSpilled = true;
    this.#window.reset(this.#nextSeq);
    this.#courier.startAfresh();
  }

  /** The disk has taken none of them, or there is none: memory is all there is. */
  #dropFromMemory(): void {
    while (this.#window.isFull) this.#window.dropOldest();
    this.#writer.acknowledge(this.#window.oldestSeq);
  }

  /** The spool, or its disk, takes nothing; what waits for it may take twice the window before it is dropped. */
  #makeSpoolRoom(): void {
    const { refusal, waitingBytes } = this.#writer;
    if (refusal === "spool-full") {
      this.#backlog.dropOldest(Math.max(this.#plan.spool.maxBytes * dropShare, waitingBytes));
    }
    while (!this.#fits(2)) {
      const dropped = this.#writer.shift();
      if (dropped === undefined) return;
      this.#plan.tallies.dropped.add(1, dropped.frame.sampleCount);
    }
  }

  #createWriter(): JournalWriter {
    const { spool, clock } = this.#plan;
    return new JournalWriter({
      create: async (first) => {
        const journal = await spool.createJournal(this.#factsFrom(first));
        if (!this.#isOver) this.#backlog.claim(journal, this);
        return journal;
      },
      clock,
      onChange: () => {
        if (this.#isOver) return;
        // Frames that were not on the disk yet could not be dropped from there.
        if (this.#mayDrop && this.#isSpilled && !this.#fits(1)) this.#makeSpoolRoom();
        this.#pump();
        this.#events.onProgress();
      },
    });
  }

  /** The time told is that of seq 0: so the time of any frame follows from its seq. */
  #factsFrom({ seq, frame }: NumberedFrame): JournalFacts {
    const { hwid, streamId, format, nibbleOrder } = this.#plan;
    const { captureMs } = frame.captured;
    const elapsedMs = (seq * format.frameSampleCount * 1000) / format.sampleRateHz;
    const startMs = captureMs === 0 ? 0 : Math.max(0, Math.round(captureMs - elapsedMs));
    return { hwid, streamId, format, startMs, nibbleOrder: nibbleOrder ?? null };
  }

  #pump(): void {
    this.#courier.pump();
    if (!this.#window.hasUnsent) this.#backlog.pump();
  }

  #followState(): void {
    const { kind } = this.#courier.state;
    const { clock } = this.#plan;
    if (kind === "open") this.#backlog.wake();
    if (kind === "open" || this.#toldState?.kind === "open" || this.#toldState === undefined) {
      this.#stopOffline();
      this.#offlineSinceMs = clock.monotonicMs();
      // From then on there is room: who waits for it is to know.
      if (kind !== "open") this.#stopOffline = clock.startTimer(spillAfterMs, () => this.#events.onProgress());
    }
    this.#tellState();
  }

  #tellState(): void {
    if (this.#toldState === this.state) return;
    this.#toldState = this.state;
    this.#events.onState();
  }

  #followProgress(): void {
    if (!this.#isSpilled) this.#writer.acknowledge(this.#window.durableSeq);
    this.#backlog.pump();
    this.#events.onProgress();
  }

  #join(session: bigint | undefined, isFresh: boolean): void {
    const isPutAside = this.#isSpilled && isFresh;
    if (isPutAside) this.#putAside();
    if (session !== undefined) this.#writer.setSession(session);
    if (isPutAside && this.#isFinishing) this.#courier.finish();
  }

  /** Live frames go on in a fresh session and a fresh journal; what is in the old one is delivered besides. */
  #putAside(): void {
    const old = this.#writer;
    const { tallies } = this.#plan;
    this.#isSpilled = false;
    this.#writer = this.#createWriter();
    old.stop();
    const late: NumberedFrame[] = [];
    for (let frame = old.shift(); frame !== undefined; frame = old.shift()) late.push(frame);
    this.#window.reset(late[0]?.seq ?? this.#nextSeq);
    for (const { seq, frame } of late) {
      this.#window.append(frame);
      this.#writer.push(seq, frame);
    }
    const { countedEndSeq } = this.#window;
    if (old.journal) this.#backlog.adopt(old.journal, { owner: this, tallies, countedEndSeq });
  }

  async #endLive(ending: SessionEnding, last: CloseResult | undefined): Promise<void> {
    this.#stopOffline();
    this.#writer.stop();
    if (ending !== "complete" && ending !== "unconfirmed") {
      this.#end(ending, last);
      return;
    }
    this.#delivered = { ending, last };
    await this.#writer.discard();
    this.#isDiscarded = true;
    this.#backlog.wake();
    this.#endIfDrained();
  }

  #endIfDrained(): void {
    if (this.#delivered === undefined || !this.#isDiscarded || this.#backlog.isPendingFor(this)) return;
    const failure = this.#backlog.failureOf(this);
    if (failure === undefined) this.#end(this.#delivered.ending, this.#delivered.last);
    else this.#end(failure.ending === "gave-up" ? "gave-up" : "undelivered", failure.last);
  }

  #end(ending: SessionEnding, last: CloseResult | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { journal, isCaughtUp } = this.#writer;
    // What is still on its way into it is read by a later process.
    // To deliver what was superseded would take the session away from the one that has it now.
    const isFree = isCaughtUp && !this.#isDiscarded && ending !== "superseded";
    if (journal !== undefined && isFree) this.#backlog.release(journal);
    this.#backlog.leave(this);
    this.#events.onEnd(ending, last);
  }
}
