import type { Clock } from "../kernel/clock.ts";
import { LimitError, RequestError } from "../kernel/errors.ts";
import { readVoice } from "./recorded-voice-store.ts";
import { type SimulatedKind, simulatedKinds } from "./sounds.ts";
import { type OwnEntrance, SimulatedDevice } from "./ws-simulated-device.ts";

/** How long a simulated device runs, s. */
export const simulatedLife = { defaultS: 600, minS: 5, maxS: 3_600 } as const;

/** A simulated device that runs. */
export interface RunningSimulation {
  readonly hwid: string;
  readonly kind: SimulatedKind;
  readonly startedMs: number;
  /** When it ends by itself. */
  readonly endsMs: number;
}

export interface SimulatedDevicesOptions {
  /** At once; 0: none may be started. */
  readonly maxCount: number;
  /** Lets them in where the server asks for tokens. */
  readonly token?: string;
  /** The server's own, asked for each connection. */
  readonly entrance: () => OwnEntrance;
  readonly clock: Clock;
}

/** What to start. */
export interface SimulationRequest {
  /** Default: the first one of which none runs. */
  readonly kind?: SimulatedKind | undefined;
  /** See {@link simulatedLife}. */
  readonly lifeS?: number | undefined;
}

interface Entry extends RunningSimulation {
  readonly device: SimulatedDevice;
  readonly timer: NodeJS.Timeout;
}

/** Devices that the server itself simulates: few, for a while, through the same entrance as all others. */
export class SimulatedDevices {
  readonly maxCount: number;
  readonly #options: SimulatedDevicesOptions;
  readonly #entries = new Map<string, Entry>();
  #voice: Promise<Int16Array | undefined> | undefined;
  #seed = 0;
  #isClosed = false;

  constructor(options: SimulatedDevicesOptions) {
    this.#options = options;
    this.maxCount = options.maxCount;
  }

  /** Those that run, the oldest first. */
  list(): readonly RunningSimulation[] {
    return [...this.#entries.values()].map(({ hwid, kind, startedMs, endsMs }) => ({ hwid, kind, startedMs, endsMs }));
  }

  /**
   * Starts one; its id begins with `demo-`.
   *
   * @throws RequestError `SIMULATION_OFF`; LimitError `SIMULATION_LIMIT`
   */
  async start({ kind, lifeS = simulatedLife.defaultS }: SimulationRequest): Promise<RunningSimulation> {
    this.#check();
    this.#voice ??= readVoice();
    const recording = await this.#voice;
    // Others were started while the recording was read.
    this.#check();
    const chosen = kind ?? this.#freeKind();
    const hwid = this.#freeHwid(chosen);
    const startedMs = this.#options.clock.wallMs();
    this.#seed += 1;
    const seed = startedMs + this.#seed;
    const { token, entrance } = this.#options;
    const device = new SimulatedDevice({ entrance, token, hwid, kind: chosen, seed, recording });
    const timer = setTimeout(() => void this.stop(hwid), lifeS * 1000);
    const entry = { hwid, kind: chosen, startedMs, endsMs: startedMs + lifeS * 1000, device, timer };
    this.#entries.set(hwid, entry);
    return { hwid, kind: chosen, startedMs, endsMs: entry.endsMs };
  }

  /** @returns whether there was one */
  async stop(hwid: string): Promise<boolean> {
    const entry = this.#entries.get(hwid);
    if (entry === undefined) return false;
    this.#entries.delete(hwid);
    clearTimeout(entry.timer);
    await entry.device.close();
    return true;
  }

  /** Stops all. Idempotent; never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#entries.keys()].map((hwid) => this.stop(hwid)));
  }

  #check(): void {
    const { maxCount } = this;
    if (maxCount === 0 || this.#isClosed) {
      throw new RequestError("SIMULATION_OFF", "simulated devices are switched off (Server:SimulatedDevices is 0)");
    }
    if (this.#entries.size >= maxCount) {
      throw new LimitError("SIMULATION_LIMIT", `${maxCount} simulated devices are running (Server:SimulatedDevices)`);
    }
  }

  #freeKind(): SimulatedKind {
    const running = new Set([...this.#entries.values()].map(({ kind }) => kind));
    return simulatedKinds.find((kind) => !running.has(kind)) ?? "birds";
  }

  #freeHwid(kind: SimulatedKind): string {
    const base = `demo-${kind}`;
    let hwid = base;
    for (let number = 2; this.#entries.has(hwid); number += 1) hwid = `${base}-${number}`;
    return hwid;
  }
}
