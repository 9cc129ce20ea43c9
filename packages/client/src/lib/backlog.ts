import type { AudioAmount } from "./audio-amount.ts";
import { type DrainResult, JournalDrain, type JournalDrainPlan } from "./journal-drain.ts";
import { makeTallies } from "./memory-outlet.ts";
import type { SendTallies } from "./send-window.ts";
import type { LinkState } from "./session-state.ts";
import type { DroppedFrames, Journal, JournalFacts, Spool } from "./spool.ts";

/** One session's part in the backlog of its spool. */
export interface BacklogMember {
  /** As given to connect; `null` for none. */
  readonly hwid: string | null;
  /** Whether its server seems to be reachable, so that draining makes sense. */
  readonly isReachable: boolean;
  /** It is connected and has live frames to send, which come first. */
  readonly hasUnsent: boolean;
  /** How a journal is to be delivered. */
  drainPlan(facts: JournalFacts): JournalDrainPlan;
  /** Frames of its present journal were dropped for room. */
  onDropped(dropped: DroppedFrames): void;
  /** Something has moved. */
  onBacklog(): void;
}

/** A journal whose frames were written by a session of this process. */
interface OwnedJournal {
  readonly owner: BacklogMember;
  readonly tallies: SendTallies;
  /** Frames before it are counted as sent. */
  readonly countedEndSeq: number;
}

const idle: LinkState = { kind: "idle" };
const backlogs = new WeakMap<Spool, Backlog>();

/** The backlog of a spool, which all sessions that use it share. */
export function backlogOf(spool: Spool): Backlog {
  const backlog = backlogs.get(spool) ?? new Backlog(spool);
  backlogs.set(spool, backlog);
  return backlog;
}

/**
 * Delivers the journals that no session writes to any more, oldest first and one at a time: those of earlier processes, and
 * those that sessions of this one have put aside. Live frames of all sessions have priority.
 */
export class Backlog {
  readonly #spool: Spool;
  readonly #members = new Set<BacklogMember>();
  /** Written to by a live session. */
  readonly #live = new Map<Journal, BacklogMember>();
  readonly #owned = new Map<Journal, OwnedJournal>();
  /** Not delivered, and not tried again; they stay where they are. */
  readonly #failures = new Map<Journal, DrainResult>();
  /** To be delivered, oldest first. */
  readonly #queue: Journal[];
  #drain: JournalDrain | undefined;
  #isRunning = false;
  #dropping: Promise<void> | undefined;

  constructor(spool: Spool) {
    this.#spool = spool;
    this.#queue = [...spool.journals];
  }

  join(member: BacklogMember): void {
    this.#members.add(member);
  }

  /** The session is over. What it has in the spool is delivered by others, or by a later process. */
  leave(member: BacklogMember): void {
    this.#members.delete(member);
    for (const [journal, { owner }] of this.#owned) if (owner === member) this.#owned.delete(journal);
    if (this.#members.size === 0) this.#drain?.abort();
  }

  /** A live session writes to the journal. */
  claim(journal: Journal, member: BacklogMember): void {
    this.#live.set(journal, member);
  }

  /** The session is over, and nothing is written to its journal any more: others may deliver what is in it. */
  release(journal: Journal): void {
    this.#live.delete(journal);
    this.#queue.push(journal);
    this.wake();
  }

  /** The session goes on with another journal: this one is to be delivered besides. */
  adopt(journal: Journal, owned: OwnedJournal): void {
    this.#live.delete(journal);
    this.#owned.set(journal, owned);
    this.#queue.push(journal);
    // It is read back either way; a disk that fails tells by itself.
    void journal.seal().catch(() => {});
    this.wake();
  }

  /** What is to be delivered for a session: its own, and what earlier processes left. */
  amountOf(member: BacklogMember): AudioAmount & { readonly byteCount: number } {
    let frameCount = 0;
    let sampleCount = 0;
    let byteCount = 0;
    for (const journal of this.#journalsOf(member)) {
      frameCount += journal.frameCount;
      sampleCount += journal.sampleCount;
      byteCount += journal.byteLength;
    }
    return { frameCount, sampleCount, byteCount };
  }

  /** Whether anything is left to be tried for a session. */
  isPendingFor(member: BacklogMember): boolean {
    return this.#journalsOf(member).some((journal) => !this.#failures.has(journal));
  }

  /** What could not be delivered for a session, if anything. */
  failureOf(member: BacklogMember): DrainResult | undefined {
    for (const journal of this.#journalsOf(member)) {
      const failure = this.#failures.get(journal);
      if (failure !== undefined) return failure;
    }
    return undefined;
  }

  /** Where the connection of the present journal stands. */
  get state(): LinkState {
    return this.#drain?.state ?? idle;
  }

  /** Something has changed: goes on if there is something to deliver. */
  wake(): void {
    if (!this.#isRunning) void this.#run();
  }

  /** There is a sign that the server can be reached. */
  connectNow(): void {
    this.#drain?.connectNow();
  }

  /** Live frames have gone: those of the backlog may go. */
  pump(): void {
    this.#drain?.pump();
  }

  /** Makes room at the cost of the oldest frames. Does one thing at a time; never rejects. */
  dropOldest(byteCount: number): void {
    this.#dropping ??= this.#drop(byteCount).finally(() => {
      this.#dropping = undefined;
    });
  }

  #journalsOf(member: BacklogMember): Journal[] {
    return this.#queue.filter((journal) => {
      const owner = this.#owned.get(journal)?.owner;
      return owner === undefined || owner === member;
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    for (let next = this.#choose(); next !== undefined; next = this.#choose()) {
      await this.#deliver(next.journal, next.member);
      this.#tell();
    }
    this.#isRunning = false;
  }

  /** The oldest journal that was not tried in vain, and the session on whose behalf it is delivered. */
  #choose(): { readonly journal: Journal; readonly member: BacklogMember } | undefined {
    for (const journal of this.#queue) {
      if (this.#failures.has(journal)) continue;
      const owner = this.#owned.get(journal)?.owner;
      const able = [...this.#members].filter((member) => member.isReachable);
      const member =
        able.find((each) => each === owner) ?? able.find(({ hwid }) => hwid === journal.facts.hwid) ?? able[0];
      if (member !== undefined) return { journal, member };
    }
    return undefined;
  }

  async #deliver(journal: Journal, member: BacklogMember): Promise<void> {
    const { ending, last } = await this.#drainOne(journal, member);
    this.#drain = undefined;
    if (ending === "complete") await this.#remove(journal);
    else if (ending !== "aborted") this.#failures.set(journal, { ending, last });
  }

  async #drainOne(journal: Journal, member: BacklogMember): Promise<DrainResult> {
    try {
      this.#drain = this.#createDrain(journal, member);
    } catch {
      // Its facts are none that a connection can be made with.
      return { ending: "undelivered", last: undefined };
    }
    return await this.#drain.run();
  }

  #createDrain(journal: Journal, member: BacklogMember): JournalDrain {
    const owned = this.#owned.get(journal);
    return new JournalDrain(journal, {
      ...member.drainPlan(journal.facts),
      tallies: owned?.tallies ?? makeTallies(),
      countedEndSeq: owned?.countedEndSeq,
      maySend: () => ![...this.#members].some((each) => each.hasUnsent),
      onProgress: () => this.#tell(),
    });
  }

  async #remove(journal: Journal): Promise<void> {
    // What cannot be deleted now holds only acknowledged frames: a later process deletes it.
    await journal.remove().catch(() => {});
    this.#queue.splice(this.#queue.indexOf(journal), 1);
    this.#owned.delete(journal);
  }

  async #drop(byteCount: number): Promise<void> {
    // A file that cannot be deleted keeps its frames; the spool tells of that by itself.
    for (const dropped of await this.#spool.dropOldest(byteCount).catch(() => [])) {
      const { journal, frameCount, sampleCount } = dropped;
      this.#live.get(journal)?.onDropped(dropped);
      this.#owned.get(journal)?.tallies.dropped.add(frameCount, sampleCount);
    }
    this.#tell();
  }

  #tell(): void {
    for (const member of [...this.#members]) member.onBacklog();
  }
}
