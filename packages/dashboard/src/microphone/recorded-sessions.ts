import type { LinkState, Session, SessionProgress, SessionResult, SessionState } from "@eet/client";
import { CaptureClock, type CaptureMoment } from "./capture-clock.ts";

/** A clock that is ahead by more tells that the machine slept: what follows is a session of its own. */
const maxPauseMs = 2_000;

/** How far a recording has come, s. */
export interface RecordedAmounts {
  readonly recordedS: number;
  readonly sentS: number;
  readonly durableS: number;
  /** `undefined`: the server does not tell, as where uploads are off. */
  readonly uploadedS: number | undefined;
  readonly heldS: number;
  readonly droppedS: number;
}

/** Where a recording stands: what is to be told of its sessions. */
export interface LinkReport {
  readonly state: SessionState;
  /** Another session, which is recorded to, has a connection. */
  readonly isEarlierPart: boolean;
}

/** What the sessions of a recording are made with. */
export interface RecordedSessionsOptions {
  readonly rateHz: number;
  /** @param startMs - wall clock of the first sample */
  readonly open: (startMs: number, onState: (state: SessionState) => void) => Session;
  readonly onState: (state: SessionState) => void;
}

/** The sessions of one recording: one, and another behind each pause of the input. All are to be delivered. */
export class RecordedSessions {
  readonly #options: RecordedSessionsOptions;
  readonly #sessions: Session[] = [];
  /** Of the current session. */
  #startMs = 0;
  #sampleCount = 0;
  #clock: CaptureClock;

  constructor(options: RecordedSessionsOptions) {
    this.#options = options;
    this.#clock = new CaptureClock(options.rateHz);
  }

  /** Of the current session. */
  get sampleCount(): number {
    return this.#sampleCount;
  }

  /**
   * Of the session that is furthest from its end: one that is done says nothing of the others. While the recording goes on
   * it tells of the connection alone: sessions end meanwhile without anybody having asked for it.
   */
  get report(): LinkReport | undefined {
    const current = this.#sessions.at(-1);
    if (current === undefined) return undefined;
    const worst = this.#sessions.reduce((worst, each) => (isWorse(each.state, worst.state) ? each : worst), current);
    const isOver = current.state.kind === "finishing" || current.state.kind === "closed";
    return {
      state: isOver ? worst.state : (linkOf(worst.state) ?? worst.state),
      isEarlierPart: worst !== current && current.state.kind === "open",
    };
  }

  /** `undefined` before anything was recorded. */
  get amounts(): RecordedAmounts | undefined {
    if (this.#sessions.length === 0) return undefined;
    const all = this.#sessions.map(({ progress }) => progress);
    const secondsOf = (read: (progress: SessionProgress) => number) =>
      all.reduce((sum, progress) => sum + read(progress), 0) / this.#options.rateHz;
    const isToldUploads = all.some(({ uploaded }) => uploaded !== undefined);
    return {
      recordedS: secondsOf(({ written }) => written.sampleCount),
      sentS: secondsOf(({ sent }) => sent.sampleCount),
      durableS: secondsOf(({ durable }) => durable.sampleCount),
      uploadedS: isToldUploads ? secondsOf(({ uploaded }) => uploaded?.sampleCount ?? 0) : undefined,
      heldS: secondsOf(({ buffered }) => buffered.sampleCount),
      droppedS: secondsOf(({ dropped }) => dropped.sampleCount),
    };
  }

  /** The session that samples belong to. @param startMs - wall clock of the first of them */
  sessionAt(startMs: number): Session {
    const current = this.#sessions.at(-1);
    const dueMs = this.#startMs + (this.#sampleCount / this.#options.rateHz) * 1000;
    if (current !== undefined && startMs - dueMs < maxPauseMs) return current;
    void current?.finish();
    this.#startMs = startMs;
    this.#sampleCount = 0;
    this.#clock = new CaptureClock(this.#options.rateHz);
    const session = this.#options.open(startMs, (state) => {
      if (linkOf(state)?.kind === "open") this.#connectOthers(session);
      this.#options.onState(state);
    });
    this.#sessions.push(session);
    return session;
  }

  /** Counts samples of the current session; see {@link CaptureClock.note}. */
  note(sampleCount: number, endMs: number, aheadMs: number): CaptureMoment {
    this.#sampleCount += sampleCount;
    return this.#clock.note(sampleCount, endMs, aheadMs);
  }

  /** No more samples come; resolves when all is delivered, or cannot be. */
  finish(): Promise<readonly SessionResult[]> {
    const finished = this.#sessions.map((session) => session.finish());
    // Somebody stands before the page and waits for it.
    for (const session of this.#sessions) session.connectNow();
    return Promise.all(finished);
  }

  /** Gives up what is not delivered. */
  abort(): void {
    for (const session of this.#sessions) session.abort();
  }

  /** One has a connection, so the server can be reached: waits that grew while it could not would only keep sound here. */
  #connectOthers(connected: Session): void {
    for (const session of this.#sessions) if (session !== connected) session.connectNow();
  }
}

function linkOf(state: SessionState): LinkState | undefined {
  if (state.kind === "closed") return undefined;
  return state.kind === "finishing" ? state.link : state;
}

/** Of two without a connection, the one that waits longer. */
function isWorse(state: SessionState, than: SessionState): boolean {
  const [one, other] = [linkOf(state), linkOf(than)];
  if (one?.kind === "waiting" && other?.kind === "waiting") return one.untilMs > other.untilMs;
  return badnessOf(state) > badnessOf(than);
}

function badnessOf(state: SessionState): number {
  if (state.kind === "closed") {
    const { kind, unacknowledgedFrameCount } = state.result;
    return kind !== "complete" ? 2 : unacknowledgedFrameCount > 0 ? 1 : 0;
  }
  switch (linkOf(state)?.kind) {
    case "open":
      return state.kind === "open" ? 4 : 3;
    case "waiting":
      return 6;
    default:
      return 5;
  }
}
