import {
  type Ack,
  formatDeviceMessage,
  limits,
  parseServerMessage,
  type Resume,
  subprotocols,
  type Welcome,
} from "@eet/protocol";
import type { CloseResult } from "./close-result.ts";
import type { SessionClock } from "./session-clock.ts";
import type { ConnectTransport, Transport, TransportRequest } from "./transport.ts";

/** An upgrade that takes longer is a connection that broke. */
const upgradeTimeoutMs = 30_000;
/** The same for the answer to RSUM: a server that recovers may take a minute. */
const resumeTimeoutMs = limits.livenessTimeoutMs;
/** How often the silence is looked at. */
const sweepIntervalMs = 2_500;
/**
 * Silence after which a peer that can be pinged is, and silence that takes it for gone. Shorter than the server's: what is
 * not acknowledged is held here, and room for it is short. A server may stop reading for 8 s.
 */
const pingAfterMs = 5_000;
const silenceTimeoutMs = 15_000;

/** What one connection is made for. */
export interface LinkPlan {
  readonly request: TransportRequest;
  readonly connect: ConnectTransport;
  readonly clock: SessionClock;
  /** The first message. Asked for as late as possible. [P-1.1] */
  readonly handshake: () => Uint8Array;
  /** Sent right behind it. */
  readonly resume: () => Resume;
  /** A connection of version 1, without RSUM. */
  readonly isPlain: boolean;
}

/** What one connection tells, until it is over. */
export interface LinkEvents {
  /** Frames may go. @param welcome - `undefined` on a plain connection */
  onReady(welcome: Welcome | undefined): void;
  onAck(ack: Ack): void;
  /**
   * The server does not acknowledge: {@link Link.drop}, or {@link Link.continuePlain} if it has not selected the name.
   * [P-2.1]
   *
   * @param isSelected - it has, but no welcome came in time
   */
  onUnacknowledging(isSelected: boolean): void;
  /** It is over. Not told after {@link Link.drop}. */
  onClosed(result: CloseResult): void;
  /** Whether an answer of the server is due. */
  isAnswerDue(): boolean;
}

/**
 * One connection of a session: sends the handshake with RSUM right behind it, waits for the welcome that answers it, and
 * watches for a peer that has gone without a word. [P-2.1] [P-2.4] [P-3.3]
 */
export class Link {
  readonly #plan: LinkPlan;
  readonly #events: LinkEvents;
  readonly #transport: Transport;
  #phase: "upgrading" | "greeting" | "ready" | "over" = "upgrading";
  #isGreeted = false;
  #isPlain: boolean;
  #isWelcomed = false;
  #heardMs: number;
  #pingedMs: number;
  #stopTimer: () => void;

  constructor(plan: LinkPlan, events: LinkEvents) {
    this.#plan = plan;
    this.#events = events;
    this.#isPlain = plan.isPlain;
    this.#heardMs = this.#pingedMs = plan.clock.monotonicMs();
    this.#stopTimer = plan.clock.startTimer(upgradeTimeoutMs, () => this.#break("the upgrade was not answered"));
    this.#transport = plan.connect(plan.request, {
      onOpen: (subprotocol) => this.#open(subprotocol),
      onMessage: (message) => this.#take(message),
      onSign: () => this.#hear(),
      onClosed: (result) => this.#over(result),
    });
  }

  /** RSUM is on its way: the session that it names cannot be changed any more. */
  get isGreeted(): boolean {
    return this.#isGreeted;
  }

  /** Frames may be sent. */
  get isReady(): boolean {
    return this.#phase === "ready";
  }

  /** Bytes in the socket's own buffer. */
  get bufferedBytes(): number {
    return this.#transport.bufferedBytes;
  }

  send(message: Uint8Array): void {
    this.#transport.send(message);
  }

  /** Sends CLOSE 1000 behind what was sent. */
  close(): void {
    this.#transport.close();
  }

  /** Ends it without a word. */
  drop(): void {
    this.#phase = "over";
    this.#stopTimer();
    this.#transport.drop();
  }

  /** Goes on as a connection of version 1. */
  continuePlain(): void {
    this.#isPlain = true;
    this.#greet();
    this.#stopTimer();
    this.#phase = "ready";
    this.#events.onReady(undefined);
  }

  #open(subprotocol: string): void {
    if (this.#phase !== "upgrading") return;
    this.#hear();
    this.#phase = "greeting";
    this.#stopTimer();
    if (this.#isPlain) {
      this.continuePlain();
    } else if (subprotocol !== subprotocols.v1Ack) {
      this.#events.onUnacknowledging(false);
    } else {
      this.#greet();
      this.#startTimer(limits.welcomeTimeoutMs, () => this.#events.onUnacknowledging(true));
    }
  }

  #greet(): void {
    if (this.#isGreeted) return;
    this.#isGreeted = true;
    this.#transport.send(this.#plan.handshake());
    if (!this.#isPlain) this.#transport.send(formatDeviceMessage(this.#plan.resume()));
  }

  #take(bytes: Uint8Array): void {
    if (this.#phase === "over") return;
    this.#hear();
    if (this.#isPlain) return;
    const message = parseServerMessage(bytes);
    if (message?.kind === "welcome" && this.#phase === "greeting") this.#welcome(message);
    if (message?.kind === "ack" && this.#phase === "ready") this.#events.onAck(message);
  }

  #welcome(welcome: Welcome): void {
    if (welcome.answersResume) {
      this.#phase = "ready";
      this.#sweepLater();
      this.#events.onReady(welcome);
    } else if (!this.#isWelcomed) {
      // It speaks our protocol, and may have to drain an older connection before it answers.
      this.#isWelcomed = true;
      this.#startTimer(resumeTimeoutMs, () => this.#break("RSUM was not answered"));
    }
  }

  #hear(): void {
    this.#heardMs = this.#pingedMs = this.#plan.clock.monotonicMs();
  }

  #sweepLater(): void {
    this.#startTimer(sweepIntervalMs, () => {
      this.#sweep();
      if (this.#phase === "ready") this.#sweepLater();
    });
  }

  /** A peer that can be pinged owes a pong; any other is only missed where an acknowledgement is due. */
  #sweep(): void {
    const canPing = this.#transport.ping !== undefined;
    const nowMs = this.#plan.clock.monotonicMs();
    // Acknowledgements alone may be late for as long as the server's disk stands still.
    const timeoutMs = canPing ? silenceTimeoutMs : limits.livenessTimeoutMs;
    if (!canPing && !this.#events.isAnswerDue()) {
      this.#hear();
    } else if (nowMs - this.#heardMs >= timeoutMs) {
      this.#break(`no byte came for ${timeoutMs / 1000} seconds`);
    } else if (nowMs - this.#pingedMs >= pingAfterMs) {
      this.#pingedMs = nowMs;
      this.#transport.ping?.();
    }
  }

  #break(reason: string): void {
    this.drop();
    this.#events.onClosed({ kind: "dropped", cause: new Error(reason) });
  }

  #over(result: CloseResult): void {
    if (this.#phase === "over") return;
    this.#phase = "over";
    this.#stopTimer();
    this.#events.onClosed(result);
  }

  #startTimer(delayMs: number, run: () => void): void {
    this.#stopTimer();
    this.#stopTimer = this.#plan.clock.startTimer(delayMs, run);
  }
}
