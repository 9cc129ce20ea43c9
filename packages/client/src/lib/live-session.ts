import { formatHandshake } from "@eet/protocol";
import type { CloseResult } from "./close-result.ts";
import { FrameMaker } from "./frame-maker.ts";
import { MemoryOutlet, makeTallies } from "./memory-outlet.ts";
import type { Outlet, OutletEvents } from "./outlet.ts";
import { ReconnectTiming } from "./reconnect-timing.ts";
import type { HeldFrame, SendTallies } from "./send-window.ts";
import type { CapturedAt, Session, SessionOptions, SessionProgress } from "./session.ts";
import { systemClock } from "./session-clock.ts";
import { type SessionEnding, SessionError, type SessionResult, type SessionState } from "./session-state.ts";
import type { JournalFacts } from "./spool.ts";
import { SpooledOutlet } from "./spooled-outlet.ts";
import { formatStreamUrl } from "./stream-url.ts";
import type { ConnectTransport } from "./transport.ts";

const defaultMaxBytes = 4 * 1024 * 1024;
const defaultMaxSeconds = 60;

/** Takes what is written, makes the writer wait for room, and tells how it all goes. */
export class LiveSession implements Session {
  readonly closed: Promise<SessionResult>;
  readonly #options: SessionOptions;
  readonly #maker: FrameMaker;
  readonly #tallies: SendTallies = makeTallies();
  readonly #outlet: Outlet;
  readonly #resolveClosed: (result: SessionResult) => void;
  readonly #onSignal = () => this.abort();
  #result: SessionResult | undefined;
  #isFinishing = false;
  /** The writer that waits for room, if one does. */
  #waiting: Promise<void> | undefined;
  #wakeWriter = () => {};

  /**
   * @param connect - where `options.transport` says nothing else
   * @throws RangeError for a bad address, device id, number or bound
   * @throws ProtocolError for a format that no server takes
   */
  constructor(options: SessionOptions, connect: ConnectTransport) {
    checkOptions(options);
    const { format, nibbleOrder = "low", firstSeq = 0, startMs, clock = systemClock, signal } = options;
    this.#options = options;
    this.#maker = new FrameMaker({ format, nibbleOrder, firstSeq, startMs, clock });
    const { promise, resolve } = Promise.withResolvers<SessionResult>();
    this.closed = promise;
    this.#resolveClosed = resolve;
    this.#outlet = this.#makeOutlet(options.transport ?? connect);
    signal?.addEventListener("abort", this.#onSignal);
    // Callbacks may use the session, which the caller does not have yet.
    queueMicrotask(() => {
      if (signal?.aborted) this.abort();
      else if (startMs !== undefined) this.#outlet.start();
    });
  }

  get state(): SessionState {
    if (this.#result) return { kind: "closed", result: this.#result };
    const link = this.#outlet.state;
    return this.#isFinishing ? { kind: "finishing", link } : link;
  }

  get progress(): SessionProgress {
    const { written, sent, durable, dropped } = this.#tallies;
    const { buffered, backlog, uploaded, connectionCount, isSlowedDown } = this.#outlet;
    const { sampleRateHz } = this.#options.format;
    return {
      written: written.snapshot(),
      sent: sent.snapshot(),
      durable: durable.snapshot(),
      uploaded,
      dropped: dropped.snapshot(),
      buffered: { ...buffered, audioS: buffered.sampleCount / sampleRateHz },
      backlog: backlog && { ...backlog, audioS: backlog.sampleCount / sampleRateHz },
      reconnectCount: Math.max(0, connectionCount - 1),
      isSlowedDown,
    };
  }

  write(pcm: Int16Array, captured?: CapturedAt): Promise<void> | undefined {
    return this.#refusal() ?? this.#flow(() => this.#maker.push(pcm, captured));
  }

  writeFrame(payload: Uint8Array, captured?: CapturedAt): Promise<void> | undefined {
    return (
      this.#refusal() ?? this.#flow(() => this.#take(this.#maker.wrap(payload, captured, this.#outlet.maxMessageBytes)))
    );
  }

  finish(): Promise<SessionResult> {
    if (this.#isFinishing || this.#result) return this.closed;
    this.#isFinishing = true;
    this.#tellState();
    if (this.#waiting === undefined) this.#finishOutlet();
    // A writer that fails by now has been told; what it wrote before is delivered.
    else this.#waiting.catch(() => {}).then(() => this.#finishOutlet());
    return this.closed;
  }

  connectNow(): void {
    this.#outlet.connectNow();
  }

  abort(): void {
    this.#outlet.abort();
  }

  #makeOutlet(connect: ConnectTransport): Outlet {
    const { url, hwid, token, streamId = 0, format, nibbleOrder = "low", giveUpMs, window, spool } = this.#options;
    const { fallback = "fail", firstSeq = 0, clock = systemClock, random = Math.random } = this.#options;
    const { maxBytes = defaultMaxBytes, maxSeconds = defaultMaxSeconds } = window ?? {};
    const way = { token, fallback, giveUpMs, connect, clock, maxBytes };
    const plan = {
      ...way,
      url: formatStreamUrl(url, hwid),
      streamId,
      format,
      nibbleOrder: format.codec === "adpcm" ? nibbleOrder : undefined,
      timing: new ReconnectTiming(random),
      firstSeq,
      maxSampleCount: maxSeconds * format.sampleRateHz,
      tallies: this.#tallies,
      nextStartMs: () => this.#maker.nextStartMs,
    };
    if (spool === undefined) return new MemoryOutlet(plan, this.#outletEvents());
    const drainPlan = (facts: JournalFacts) => ({
      ...way,
      // What acknowledges the live frames acknowledges those of the spool: files are not let go of for less.
      fallback: this.#outlet.delivery === "acked" ? ("wait" as const) : fallback,
      url: formatStreamUrl(url, facts.hwid ?? undefined),
      timing: new ReconnectTiming(random),
    });
    return new SpooledOutlet({ ...plan, spool, hwid: hwid ?? null, drainPlan }, this.#outletEvents());
  }

  #outletEvents(): OutletEvents {
    return {
      onState: () => {
        this.#tellState();
        this.#wakeWriter();
      },
      onProgress: () => {
        this.#wakeWriter();
        this.#options.onProgress?.(this.progress);
      },
      onEnd: (ending, last) => this.#end(ending, last),
    };
  }

  /** Why nothing can be written any more. Whoever does not look at it has learnt it from {@link closed}. */
  #refusal(): Promise<never> | undefined {
    if (this.#waiting !== undefined && !this.#isFinishing) {
      throw new RangeError("a frame was written before the promise of the write before it was settled");
    }
    if (!this.#result && !this.#isFinishing) return undefined;
    const error = this.#result ? new SessionError(this.#result) : new RangeError("finish() has been called");
    const refusal = Promise.reject(error);
    refusal.catch(() => {});
    return refusal;
  }

  /** Runs `begin`, then moves samples on as long as there is room. */
  #flow(begin: () => void): Promise<void> | undefined {
    begin();
    if (this.#moveFrames()) return undefined;
    const waiting = this.#moveFramesLater().finally(() => {
      this.#waiting = undefined;
    });
    this.#waiting = waiting;
    waiting.catch(() => {});
    return waiting;
  }

  /** @returns whether there is room for more */
  #moveFrames(): boolean {
    const outlet = this.#outlet;
    while (this.#options.whenFull === "drop-oldest" || outlet.hasRoom) {
      const frame = this.#maker.next(outlet.maxMessageBytes);
      if (frame === undefined) return true;
      this.#take(frame);
    }
    return false;
  }

  async #moveFramesLater(): Promise<void> {
    do {
      await new Promise<void>((resolve) => {
        this.#wakeWriter = resolve;
      });
      if (this.#result) throw new SessionError(this.#result);
    } while (!this.#moveFrames());
  }

  #take(frame: HeldFrame): void {
    const outlet = this.#outlet;
    if (this.#options.whenFull === "drop-oldest" && !outlet.hasRoom) outlet.makeRoom();
    this.#give(frame);
  }

  #give(frame: HeldFrame): void {
    this.#tallies.written.add(1, frame.sampleCount);
    this.#outlet.take(frame);
  }

  #finishOutlet(): void {
    if (this.#result) return;
    const rest = this.#maker.rest(this.#outlet.maxMessageBytes);
    if (rest) this.#give(rest);
    this.#outlet.finish();
  }

  #end(kind: SessionEnding, last: CloseResult | undefined): void {
    if (this.#result) return;
    const { written, durable } = this.#tallies;
    this.#result = {
      kind,
      delivery: this.#outlet.delivery,
      unacknowledgedFrameCount: written.frameCount - durable.frameCount,
      last,
    };
    this.#options.signal?.removeEventListener("abort", this.#onSignal);
    this.#wakeWriter();
    this.#resolveClosed(this.#result);
    this.#tellState();
  }

  #tellState(): void {
    this.#options.onState?.(this.state);
  }
}

function checkOptions({
  url,
  hwid,
  streamId = 0,
  format,
  startMs = 0,
  firstSeq = 0,
  window,
  giveUpMs,
}: SessionOptions) {
  formatStreamUrl(url, hwid);
  formatHandshake({ streamId, format, timestampMs: BigInt(Math.round(startMs)) });
  if (!Number.isInteger(firstSeq) || firstSeq < 0 || firstSeq >= 2 ** 32) {
    throw new RangeError(`firstSeq is ${firstSeq}, allowed are whole numbers from 0 to ${2 ** 32 - 1}`);
  }
  for (const [name, value] of Object.entries({ ...window, giveUpMs })) {
    if (value !== undefined && !(value > 0)) throw new RangeError(`${name} is ${value}, it must be more than 0`);
  }
}
