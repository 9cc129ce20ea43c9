import type { SessionIntake, SessionRequest, SessionSink } from "./session-sink.ts";

/** One `accept` call, with the bytes as they were during it. */
export interface AcceptedFrame {
  readonly message: Uint8Array;
  readonly seq: number;
  readonly sampleCount: number;
}

/** A sink in memory whose pace, failures and last flush the test decides. */
export class FakeSink implements SessionSink {
  readonly sessions: FakeIntake[] = [];
  /** Thrown by `openSession` when set. */
  refusal: Error | undefined;
  /** What `accept` answers, until `release`. */
  hasRoom = true;
  /** `end` of later sessions waits for it. */
  flush: Promise<void> = Promise.resolve();
  #changed = Promise.withResolvers<void>();

  openSession(request: SessionRequest): FakeIntake {
    if (this.refusal !== undefined) throw this.refusal;
    const intake = new FakeIntake(request, this);
    this.sessions.push(intake);
    this.notify();
    return intake;
  }

  /** Lets all sessions go on. */
  release(): void {
    this.hasRoom = true;
    for (const session of this.sessions) session.release();
  }

  /** Resolves once `count` sessions were opened, with the last of them. */
  async opened(count = 1): Promise<FakeIntake> {
    await this.until(() => this.sessions.length >= count);
    return this.sessions[count - 1] as FakeIntake;
  }

  /** Resolves once `condition` holds; looked at whenever the sink is called. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#changed.promise;
  }

  notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

export class FakeIntake implements SessionIntake {
  readonly request: SessionRequest;
  readonly frames: AcceptedFrame[] = [];
  readonly failed: Promise<Error>;
  /** Makes `failed` resolve. */
  readonly fail: (error: Error) => void;
  endCount = 0;
  readonly #sink: FakeSink;
  #room = Promise.withResolvers<void>();

  constructor(request: SessionRequest, sink: FakeSink) {
    this.request = request;
    this.#sink = sink;
    const failure = Promise.withResolvers<Error>();
    this.failed = failure.promise;
    this.fail = failure.resolve;
  }

  accept(message: Uint8Array, seq: number, sampleCount: number): boolean {
    this.frames.push({ message: Uint8Array.from(message), seq, sampleCount });
    this.#sink.notify();
    return this.#sink.hasRoom;
  }

  drained(): Promise<void> {
    return this.#room.promise;
  }

  release(): void {
    this.#room.resolve();
    this.#room = Promise.withResolvers<void>();
  }

  async end(): Promise<void> {
    this.endCount += 1;
    this.#sink.notify();
    await this.#sink.flush;
  }

  get seqs(): number[] {
    return this.frames.map((frame) => frame.seq);
  }

  async received(count: number): Promise<void> {
    await this.#sink.until(() => this.frames.length >= count);
  }

  async ended(): Promise<void> {
    await this.#sink.until(() => this.endCount > 0);
  }
}
