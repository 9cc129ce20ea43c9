import { createSession, type Session, type SessionResult } from "@eet/client";
import { type DeliveryRecord, formatOf, makePayload, type WitnessedSession } from "./delivery-record.ts";
import { seededRandom } from "./seeded-random.ts";

/** Share of the usual waits between two attempts to connect. */
const haste = 0.05;

export interface SdkDeviceOptions {
  readonly url: string;
  readonly hwid: string;
  /** See `AckDeviceOptions`. */
  readonly deviceNumber: number;
  readonly seed: number;
  /** Default 0. */
  readonly firstSeq?: number;
}

/** A device that uses the SDK. It takes the server to resume its session whatever happens. */
export class SdkDevice implements DeliveryRecord, Disposable {
  readonly hwid: string;
  readonly deviceNumber: number;
  readonly format;
  readonly #session: Session;
  readonly #firstSeq: number;
  #madeCount = 0;
  #isWaiting = false;

  constructor({ url, hwid, deviceNumber, seed, firstSeq = 0 }: SdkDeviceOptions) {
    this.hwid = hwid;
    this.deviceNumber = deviceNumber;
    this.format = formatOf(deviceNumber);
    this.#firstSeq = firstSeq;
    const random = seededRandom(seed);
    const streamId = deviceNumber;
    const { format } = this;
    this.#session = createSession({ url, hwid, streamId, format, firstSeq, random: () => random() * haste });
  }

  get isStreaming(): boolean {
    return this.#session.state.kind === "open";
  }

  get reconnectCount(): number {
    return this.#session.progress.reconnectCount;
  }

  get sessions(): readonly WitnessedSession[] {
    const { sent, durable } = this.#session.progress;
    const firstSeq = this.#firstSeq;
    const sentNext = firstSeq + sent.frameCount;
    return [
      { session: 0n, firstSeq, sentNext, durableNext: firstSeq + durable.frameCount, dropped: new Set<number>() },
    ];
  }

  /** Makes a frame, unless the session has no room for one. */
  make(): void {
    if (this.#isWaiting) return;
    const seq = this.#firstSeq + this.#madeCount++;
    const written = this.#session.writeFrame(makePayload(this.format, this.deviceNumber, seq));
    if (written === undefined) return;
    this.#isWaiting = true;
    written.then(
      () => {
        this.#isWaiting = false;
      },
      () => {}, // The session has ended: `finish` tells how.
    );
  }

  /** Delivers what is left. */
  finish(): Promise<SessionResult> {
    return this.#session.finish();
  }

  /** One line for messages. */
  describe(): string {
    const { state, progress } = this.#session;
    return `${this.hwid}: ${JSON.stringify(state)} ${JSON.stringify(progress)}`;
  }

  [Symbol.dispose](): void {
    this.#session.abort();
  }
}
