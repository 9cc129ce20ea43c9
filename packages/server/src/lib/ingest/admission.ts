import type { Hwid } from "@eet/protocol";
import { addressKeyOf } from "../kernel/client-address.ts";
import { LimitError } from "../kernel/errors.ts";
import { KeyedCounts } from "../kernel/keyed-counts.ts";
import type { LimitTally } from "../kernel/limit-tally.ts";

/** How many connections there may be at once, those still being flushed included. */
export interface ConnectionLimits {
  readonly maxConnections: number;
  /** Of one id; devices without one are not counted so. Default 16. */
  readonly maxConnectionsPerDevice?: number;
  /** See `addressKeyOf`; default 2 000. */
  readonly maxConnectionsPerAddress?: number;
  /** Whose handshake has not come; default 4 096. */
  readonly maxHandshakes?: number;
}

/** A connection that waits for its handshake. */
interface Waiting {
  expel(error: LimitError): void;
}

/** One that has waited for less may still be on its way. */
const minWaitMs = 1_000;

/** Counts connections and says when there are too many. */
export class Admission {
  #limits: Required<ConnectionLimits>;
  readonly #byDevice = new KeyedCounts<Hwid>();
  readonly #byAddress = new KeyedCounts<string>();
  /** In the order in which they came, with when that was. */
  readonly #waiting = new Map<Waiting, number>();
  #count = 0;

  constructor(limits: ConnectionLimits, tally: LimitTally | undefined) {
    const {
      maxConnections,
      maxConnectionsPerDevice = 16,
      maxConnectionsPerAddress = 2_000,
      maxHandshakes = 4_096,
    } = limits;
    this.#limits = { maxConnections, maxConnectionsPerDevice, maxConnectionsPerAddress, maxHandshakes };
    const allowed = (name: keyof ConnectionLimits) => this.#limits[name];
    tally?.show("CONNECTION_LIMIT", () => ({ used: this.#count, allowed: allowed("maxConnections") }));
    tally?.show("DEVICE_LIMIT", () => ({ used: this.#byDevice.largest, allowed: allowed("maxConnectionsPerDevice") }));
    tally?.show("ADDRESS_LIMIT", () => {
      return { used: this.#byAddress.largest, allowed: allowed("maxConnectionsPerAddress") };
    });
    tally?.show("HANDSHAKE_LIMIT", () => ({ used: this.#waiting.size, allowed: allowed("maxHandshakes") }));
  }

  /** Takes other limits, for connections to come. */
  change({
    maxConnections,
    maxConnectionsPerDevice,
    maxConnectionsPerAddress,
    maxHandshakes,
  }: Required<ConnectionLimits>): void {
    this.#limits = { maxConnections, maxConnectionsPerDevice, maxConnectionsPerAddress, maxHandshakes };
  }

  /** Why nobody may connect, if so. */
  get refusal(): LimitError | undefined {
    const { maxConnections } = this.#limits;
    if (this.#count < maxConnections) return undefined;
    return new LimitError("CONNECTION_LIMIT", `${this.#count} of ${maxConnections} connections are open`);
  }

  /**
   * Why one more may not connect, if so. One that has been let in so far may push out the one that waits longest for its
   * handshake: who connects and says nothing does not keep others out.
   *
   * @param hwid - `null`: without an id; `undefined`: for the echo, of which no handshake comes
   */
  refusalOf(hwid: Hwid | null | undefined, address: string, nowMs: number): LimitError | undefined {
    const { maxConnectionsPerDevice, maxConnectionsPerAddress } = this.#limits;
    if (hwid != null && this.#byDevice.of(hwid) >= maxConnectionsPerDevice) {
      const detail = `${maxConnectionsPerDevice} connections of ${hwid} are open, which is as many as may`;
      return new LimitError("DEVICE_LIMIT", detail);
    }
    const key = addressKeyOf(address);
    if (key !== undefined && this.#byAddress.of(key) >= maxConnectionsPerAddress) {
      const detail = `${maxConnectionsPerAddress} connections from ${key} are open, which is as many as may`;
      return new LimitError("ADDRESS_LIMIT", detail);
    }
    return hwid === undefined ? undefined : this.#makeRoom(nowMs);
  }

  #makeRoom(nowMs: number): LimitError | undefined {
    const { maxHandshakes } = this.#limits;
    if (this.#waiting.size < maxHandshakes) return undefined;
    const detail = `${this.#waiting.size} of ${maxHandshakes} connections wait for their handshake`;
    const [[oldest, sinceMs] = []] = this.#waiting;
    if (oldest === undefined || sinceMs === undefined || nowMs - sinceMs < minWaitMs) {
      return new LimitError("HANDSHAKE_LIMIT", detail);
    }
    this.#waiting.delete(oldest);
    oldest.expel(new LimitError("HANDSHAKE_LIMIT", `${detail}; this one waited longest`));
    return undefined;
  }

  /** Counts a connection in. @returns counts it out */
  admit(hwid: Hwid | null | undefined, address: string): () => void {
    const key = addressKeyOf(address);
    const leaveDevice = hwid == null ? undefined : this.#byDevice.add(hwid);
    const leaveAddress = key === undefined ? undefined : this.#byAddress.add(key);
    this.#count += 1;
    return () => {
      this.#count -= 1;
      leaveDevice?.();
      leaveAddress?.();
    };
  }

  /** A connection waits for its handshake. */
  awaitHandshake(connection: Waiting, nowMs: number): void {
    this.#waiting.set(connection, nowMs);
  }

  /** A connection waits no more, in whatever way; may be called more than once. */
  endWait(connection: Waiting): void {
    this.#waiting.delete(connection);
  }
}
