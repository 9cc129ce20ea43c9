import { formatFrame } from "@eet/protocol";
import type { Delivery } from "./delivery.ts";
import type { MadeFrame, SessionModel } from "./session-model.test-support.ts";
import type { RecordingRequest } from "./session-start.ts";

/** One connection of a device. */
export interface DeviceConnection {
  /** `undefined` while the answer to RSUM is awaited. */
  delivery: Delivery | undefined;
  session: SessionModel | undefined;
  /** Number of the frame that is sent next. */
  cursor: number;
  /** Frames dropped, as the device has told on this connection. */
  toldDroppedCount: number;
  /** Gone, from whichever end. */
  isLost: boolean;
  /** FINI was sent. */
  isFinishing: boolean;
  /** Why the server ends it. */
  error: Error | undefined;
}

export interface SimulatedDeviceOptions {
  readonly hwid: string;
  readonly request: RecordingRequest;
  /** Of the first frame. */
  readonly firstNumber: number;
  /** Samples of a frame, by its number; at least 1. */
  readonly sampleCountOf: (number: number) => number;
}

/** A device as the protocol wants it: keeps each frame until it is acknowledged, and all of them for the judge. */
export class SimulatedDevice {
  readonly request: RecordingRequest;
  readonly #options: SimulatedDeviceOptions;
  readonly made: MadeFrame[] = [];
  /** The newest last. */
  readonly connections: DeviceConnection[] = [];
  /** That it would come back to. */
  session: SessionModel | undefined;
  /** Number of the oldest frame that is not acknowledged. */
  oldest: number;
  #nextNumber: number;
  #droppedCount = 0;

  constructor(options: SimulatedDeviceOptions) {
    this.#options = options;
    this.request = options.request;
    this.#nextNumber = options.firstNumber;
    this.oldest = options.firstNumber;
  }

  get hwid(): string {
    return this.#options.hwid;
  }

  /** The newest connection, if it is up. */
  get current(): DeviceConnection | undefined {
    const newest = this.connections.at(-1);
    return newest?.isLost === false ? newest : undefined;
  }

  /** Connections that are up besides the newest. */
  get older(): readonly DeviceConnection[] {
    return this.connections.slice(0, -1).filter(({ isLost }) => !isLost);
  }

  connect(): DeviceConnection {
    const connection: DeviceConnection = {
      ...{ delivery: undefined, session: undefined, cursor: this.oldest, toldDroppedCount: 0 },
      ...{ isLost: false, isFinishing: false, error: undefined },
    };
    this.connections.push(connection);
    return connection;
  }

  /** Frames that are never made: dropped by the device, which knows it, or lost in it unseen. */
  skip(count: number, isKnown: boolean): void {
    this.#nextNumber += count;
    if (isKnown) this.#droppedCount += count;
  }

  /** The first frame from `number` on, which is made when there is none yet. */
  frameFrom(number: number): MadeFrame {
    const last = this.made.at(-1);
    if (last === undefined || last.number < number) return this.#make();
    // Frames that are sent are mostly the last ones.
    let index = this.made.length - 1;
    while (index > 0 && (this.made[index - 1]?.number ?? 0) >= number) index -= 1;
    return this.made[index] ?? last;
  }

  #make(): MadeFrame {
    const frame = this.craft(this.#nextNumber);
    this.#nextNumber += 1;
    this.made.push(frame);
    return frame;
  }

  /** A frame that the device will not remember. */
  craft(number: number): MadeFrame {
    const sampleCount = this.#options.sampleCountOf(number);
    const payload = new Uint8Array(sampleCount * 2).fill(number * 7 + this.hwid.length);
    const view = new DataView(payload.buffer);
    for (let at = 0; at + 2 <= Math.min(payload.length, 12); at += 2) view.setUint16(at, (number >>> at) ^ (at << 8));
    return { number, message: formatFrame("pcm16", number, payload), sampleCount, droppedCount: this.#droppedCount };
  }

  /** An ack has come: frames before `number` need not be kept. */
  free(number: number): void {
    this.oldest = Math.max(this.oldest, number);
  }
}
