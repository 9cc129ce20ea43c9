import type { HeldFrame } from "./send-window.ts";
import type { SessionClock } from "./session-clock.ts";
import type { AppendResult, Journal } from "./spool.ts";

/** After a failure the journal is asked for again after this time. */
const retryMs = 5_000;
/** Part of a message in front of the payload. */
const headerBytes = 12;

/** A frame with its unwrapped seq. */
export interface NumberedFrame {
  readonly seq: number;
  readonly frame: HeldFrame;
}

/** What a writer needs. */
export interface JournalWriterOptions {
  /** Called for the first frame, and again while it rejects. */
  readonly create: (first: NumberedFrame) => Promise<Journal>;
  readonly clock: SessionClock;
  /** Frames were written, or the session was remembered. */
  readonly onChange: () => void;
}

/** Brings frames into a journal in their order, as fast as the disk takes them; what it does not take waits here. */
export class JournalWriter {
  readonly #options: JournalWriterOptions;
  #waiting: NumberedFrame[] = [];
  #waitingBytes = 0;
  #waitingSampleCount = 0;
  #journal: Journal | undefined;
  #creating: Promise<void> | undefined;
  #isStopped = false;
  /** Creating it has just failed. */
  #isResting = false;
  #stopRetry = () => {};
  #isWaitingForRoom = false;
  #hasFailed = false;
  #session: bigint | undefined;
  #isSessionSaved = false;
  #refusal: AppendResult | undefined;

  constructor(options: JournalWriterOptions) {
    this.#options = options;
  }

  /** `undefined` until the first frame has made it. */
  get journal(): Journal | undefined {
    return this.#journal;
  }

  /** Every frame is in the journal. */
  get isCaughtUp(): boolean {
    return this.#journal !== undefined && this.#waiting.length === 0;
  }

  /** The first frame that is not in the journal; `undefined` when all are. */
  get oldestWaitingSeq(): number | undefined {
    return this.#waiting[0]?.seq;
  }

  /** The session's name is remembered on disk, or cannot be: frames that are sent now can be known again. */
  get isSessionSafe(): boolean {
    return this.#session === undefined || this.#isSessionSaved || this.#hasFailed;
  }

  /** Why the journal takes nothing at the moment. */
  get refusal(): AppendResult | undefined {
    return this.#refusal;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  get waitingSampleCount(): number {
    return this.#waitingSampleCount;
  }

  /** Takes the next frame. */
  push(seq: number, frame: HeldFrame): void {
    this.#waiting.push({ seq, frame });
    this.#waitingBytes += frame.message.byteLength;
    this.#waitingSampleCount += frame.sampleCount;
    this.#write();
  }

  /** Frames before `seq` are delivered. */
  acknowledge(seq: number): void {
    while (this.#waiting[0] !== undefined && this.#waiting[0].seq < seq) this.shift();
    this.#journal?.acknowledge(seq);
  }

  /** Takes out the oldest frame that is not in the journal. */
  shift(): NumberedFrame | undefined {
    const first = this.#waiting.shift();
    if (first === undefined) return undefined;
    this.#waitingBytes -= first.frame.message.byteLength;
    this.#waitingSampleCount -= first.frame.sampleCount;
    return first;
  }

  /** Frames go to this session from now on. */
  setSession(session: bigint): void {
    if (this.#session === session) return;
    this.#session = session;
    this.#isSessionSaved = false;
    void this.#saveSession();
  }

  /** Tries nothing again; what the journal takes now it still gets. */
  stop(): void {
    this.#isStopped = true;
    this.#stopRetry();
  }

  /** Everything is delivered: stops, and deletes the journal. Never rejects. */
  async discard(): Promise<void> {
    this.stop();
    await this.#creating;
    // What cannot be deleted now holds nothing but delivered frames, and is passed over by the next process.
    await this.#journal?.remove().catch(() => {});
  }

  /** Moves frames on until the journal refuses one. */
  #write(): void {
    const journal = this.#journal;
    if (journal === undefined) {
      if (!this.#isResting) this.#creating ??= this.#create();
      return;
    }
    if (this.#isWaitingForRoom) return;
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const { message, sampleCount } = next.frame;
      const result = journal.append(next.seq, sampleCount, message.subarray(headerBytes));
      this.#refusal = result === "accepted" ? undefined : result;
      if (result !== "accepted") {
        void this.#writeWhenRoomy(journal);
        return;
      }
      this.shift();
    }
  }

  async #writeWhenRoomy(journal: Journal): Promise<void> {
    // A journal that is closed takes nothing any more, whoever waits.
    if (this.#refusal === "closed") return;
    this.#isWaitingForRoom = true;
    await journal.waitForRoom();
    this.#isWaitingForRoom = false;
    this.#write();
    this.#options.onChange();
  }

  async #create(): Promise<void> {
    const [first] = this.#waiting;
    if (first === undefined) return;
    try {
      this.#journal = await this.#options.create(first);
      this.#hasFailed = false;
      this.#write();
      await this.#saveSession();
    } catch {
      // The spool's owner is told by the disk's next failure; meanwhile memory has to do.
      this.#hasFailed = true;
      this.#rest();
    }
    this.#creating = undefined;
    this.#options.onChange();
  }

  #rest(): void {
    this.#isResting = true;
    if (this.#isStopped) return;
    this.#stopRetry = this.#options.clock.startTimer(retryMs, () => {
      this.#isResting = false;
      this.#write();
    });
  }

  async #saveSession(): Promise<void> {
    const session = this.#session;
    if (this.#journal === undefined || session === undefined) return;
    try {
      await this.#journal.setSession(session);
    } catch {
      // Without it these frames may come twice after a crash, in two recordings: better than not at all.
    }
    if (this.#session !== session) return;
    this.#isSessionSaved = true;
    this.#options.onChange();
  }
}
