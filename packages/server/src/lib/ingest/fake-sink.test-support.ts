import type { Anchor } from "@eet/protocol";
import type { Delivery, DeliveryProgress, SessionIntake, SessionRequest, SessionSink } from "./session-sink.ts";

/** One `accept` call, with the bytes as they were during it. */
export interface AcceptedFrame {
  readonly message: Uint8Array;
  readonly seq: number;
  readonly sampleCount: number;
}

/** A sink in memory whose pace, failures and last flush the test decides. */
export class FakeSink implements SessionSink {
  readonly sessions: FakeIntake[] = [];
  /** Of connections with acknowledgements, those that were never used included. */
  readonly deliveries: FakeDelivery[] = [];
  /** Sessions that were asked for. */
  readonly resumptions: bigint[] = [];
  /** What a resumption gives. */
  resume: (request: SessionRequest, session: bigint) => Promise<FakeDelivery | undefined> = () =>
    Promise.resolve(undefined);
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

  openDelivery(request: SessionRequest): FakeDelivery {
    if (this.refusal !== undefined) throw this.refusal;
    const delivery = new FakeDelivery(request, this, BigInt(this.deliveries.length + 1));
    this.deliveries.push(delivery);
    this.notify();
    return delivery;
  }

  async resumeDelivery(request: SessionRequest, session: bigint): Promise<FakeDelivery | undefined> {
    this.resumptions.push(session);
    this.notify();
    const resumed = await this.resume(request, session);
    if (resumed !== undefined) this.deliveries.push(resumed);
    this.notify();
    return resumed;
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

/** Nothing has come yet. */
export const noProgress: DeliveryProgress = {
  durableNext: 0,
  receivedNext: 0,
  uploadedNext: 0,
  isPersisting: true,
  isBehind: false,
  duplicateCount: 0,
};

export class FakeDelivery extends FakeIntake implements Delivery {
  /** Each time for which a flush was announced, ms. */
  readonly expectedFlushes: number[] = [];
  readonly session: bigint;
  readonly anchors: Anchor[] = [];
  progress: DeliveryProgress = noProgress;
  onProgress: (() => void) | undefined;
  /** Awaited by `flush` and `finish`. */
  durable: Promise<void> = Promise.resolve();
  flushCount = 0;
  finishCount = 0;
  readonly #sink: FakeSink;

  constructor(request: SessionRequest, sink: FakeSink, session: bigint) {
    super(request, sink);
    this.#sink = sink;
    this.session = session;
  }

  /** Moves on and tells of it. */
  proceed(progress: Partial<DeliveryProgress>): void {
    this.progress = { ...this.progress, ...progress };
    this.onProgress?.();
  }

  anchor(anchor: Anchor): void {
    this.anchors.push(anchor);
    this.#sink.notify();
  }

  expectFlush(withinMs: number): void {
    this.expectedFlushes.push(withinMs);
  }

  async flush(): Promise<void> {
    this.flushCount += 1;
    this.#sink.notify();
    await this.durable;
  }

  async finish(): Promise<void> {
    this.finishCount += 1;
    this.#sink.notify();
    await this.durable;
  }
}
