import type { AckEnding } from "./ack-connection.ts";
import { AckDevice } from "./ack-device.ts";
import { Conditions } from "./conditions.ts";
import { seededRandom } from "./seeded-random.ts";

/** Wall time between two frames of a device unless told otherwise: twice as fast as sound. */
const usualTickMs = 10;
/** Frames that a device holds before it makes no more. */
const maxHeldCount = 3_000;

/** What befalls the devices of a fleet, as probabilities per turn of a device. */
export interface FleetHabits {
  /** Loses its connection. */
  readonly cut: number;
  /** Drops some frames. */
  readonly skip: number;
}

const steady: FleetHabits = { cut: 0, skip: 0 };

export interface AckFleetOptions {
  /** Prefix of the hwids. */
  readonly name: string;
  readonly deviceCount: number;
  readonly seed: number;
  /** Unique among the fleets of a test, times 1000 at most 65 000. */
  readonly fleetNumber?: number;
  readonly habits?: FleetHabits;
  /** Wall time between two frames of a device, each of which holds 20 ms; default 10. */
  readonly tickMs?: number;
  /** Shown with each connection; left out: none. */
  readonly token?: string;
  readonly onEnding?: (how: AckEnding) => void;
}

/** Devices of several formats that send at a steady pace; disposing of it stops them. */
export class AckFleet implements Disposable {
  /** Prefix of the hwids. */
  readonly name: string;
  readonly devices: readonly AckDevice[];
  readonly #random: () => number;
  readonly #conditions = new Conditions(() => this.devices.map((device) => device.describe()).join("\n"));
  #habits: FleetHabits;
  readonly #timer: NodeJS.Timeout;
  #isResting = false;

  constructor(options: AckFleetOptions) {
    const {
      name,
      deviceCount,
      seed,
      fleetNumber = 0,
      habits = steady,
      tickMs = usualTickMs,
      token,
      onEnding,
    } = options;
    this.name = name;
    this.#random = seededRandom(seed);
    this.#habits = habits;
    this.devices = Array.from({ length: deviceCount }, (_, index) => {
      const hwid = `${name}-${index}`;
      const firstSeq = firstSeqOf(index, this.#random);
      const deviceNumber = fleetNumber * 1000 + index;
      const deviceSeed = seed + index + 1;
      const given = { ...(token !== undefined && { token }), ...(onEnding && { onEnding }) };
      return new AckDevice({ hwid, deviceNumber, seed: deviceSeed, firstSeq, ...given });
    });
    this.#timer = setInterval(() => this.#tick(), tickMs);
  }

  #tick(): void {
    for (const device of this.devices) {
      if (this.#isResting || device.heldCount >= maxHeldCount) {
        device.pump();
        continue;
      }
      if (this.#random() < this.#habits.skip) device.skip(1 + Math.floor(this.#random() * 20));
      device.make();
      if (this.#random() < this.#habits.cut) device.cut();
    }
    this.#conditions.check();
  }

  /** Where the server is from now on, see {@link AckDevice.aim}. */
  aim(url: string | undefined): void {
    for (const device of this.devices) device.aim(url);
  }

  /** Makes no more frames and cuts nothing any more. */
  rest(): void {
    this.#isResting = true;
  }

  /** Waits until all that was made so far is acknowledged; frames go on being made. */
  async caughtUp(deadlineMs?: number): Promise<void> {
    await Promise.all(
      this.devices.map((device) => {
        const target = device.madeNext;
        return device.until(`${target} is acknowledged`, () => device.oldestSeq >= target, deadlineMs);
      }),
    );
  }

  /** Waits until something holds of all together. @param what - completes "it did not come that ..." */
  until(what: string, isSo: () => boolean, deadlineMs?: number): Promise<void> {
    return this.#conditions.until(what, isSo, deadlineMs);
  }

  /** Ends all sessions by FINI. */
  async finish(): Promise<void> {
    this.rest();
    await Promise.all(this.devices.map((device) => device.finish()));
  }

  /** What the server did that it must not do. */
  get faults(): readonly string[] {
    return this.devices.flatMap(({ faults }) => faults);
  }

  /** Sessions with acknowledged frames that the server did not resume. */
  get forgotten(): readonly string[] {
    return this.devices.flatMap(({ forgotten }) => forgotten);
  }

  /** A count of all devices together. */
  sum(count: keyof AckDevice["counts"]): number {
    return this.devices.reduce((sum, { counts }) => sum + counts[count], 0);
  }

  /** How often connections ended so. */
  countEndings(how: AckEnding): number {
    return this.devices.reduce((sum, { endings }) => sum + (endings.get(how) ?? 0), 0);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#conditions.end("the fleet has stopped");
    for (const device of this.devices) device.stop();
  }
}

/** A third of the devices starts at 0, a third anywhere, a third so that seq soon wraps. */
function firstSeqOf(index: number, random: () => number): number {
  if (index % 3 === 0) return 0;
  return index % 3 === 1 ? Math.floor(random() * 2 ** 31) : 2 ** 32 - 1 - Math.floor(random() * 200);
}
