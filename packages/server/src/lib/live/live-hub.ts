import type { NibbleOrder } from "@eet/audio";
import type { Clock } from "../kernel/clock.ts";
import { toError } from "../kernel/errors.ts";
import type { FrameTap, TappedFrame } from "../kernel/frame-tap.ts";
import type { Log } from "../kernel/log.ts";
import type { RecordingEvent } from "../kernel/recording-events.ts";
import type { SessionRecord } from "../kernel/segment-record.ts";
import type { PastRequest } from "./live-messages.ts";
import { parseHwid } from "./live-request.ts";
import { LookBudget } from "./look-budget.ts";
import type { PastPicture, ReadPast } from "./past-meter.ts";
import { PastSource } from "./past-source.ts";
import { WatchedDevice } from "./watched-device.ts";

const tickIntervalMs = 100;

export interface LiveHubOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Shows the frames of a device to `tap` from now on; `undefined`: to nobody. */
  readonly tapDevice: (hwid: string | null, tap: FrameTap | undefined) => void;
  /** Nibble order that earlier streams of a device told. */
  readonly cachedOrderOf: (hwid: string | null) => NibbleOrder | undefined;
  /** Reads what was received before somebody looked; left out: nobody does. */
  readonly readPast?: ReadPast;
}

/** Something that is sent ten times a second. */
export interface Ticking {
  tick(): void;
}

interface Watched {
  readonly device: WatchedDevice;
  userCount: number;
}

/** Which devices are looked at, and by how many. Frames are tapped of these only. */
export class LiveHub {
  readonly #options: LiveHubOptions;
  readonly #budget: LookBudget;
  /** All sessions that are being received, by hwid, in the order in which they began. */
  readonly #sessions = new Map<string | null, Map<string, SessionRecord>>();
  readonly #watched = new Map<string | null, Watched>();
  readonly #ticking = new Set<Ticking>();
  readonly #past: PastSource;
  /** Sessions with a frame that could not be looked at: told once each. */
  readonly #failed = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LiveHubOptions) {
    this.#options = options;
    this.#budget = new LookBudget(options.clock);
    this.#past = new PastSource({ log: options.log, readPast: options.readPast });
  }

  /** Devices that somebody looks at. */
  get watchedCount(): number {
    return this.#watched.size;
  }

  /** Frames that were not looked at for want of time. */
  get skippedFrameCount(): number {
    return this.#budget.skippedFrameCount;
  }

  /** Takes what recording tells of sessions. */
  takeRecording(event: RecordingEvent): void {
    this.#past.takeRecording(event);
    if (event.type === "session.opened" || event.type === "session.resumed") this.#openSession(event.session);
    else if (event.type === "session.closed" || event.type === "session.lost") this.#closeSession(event.session);
  }

  #openSession(record: SessionRecord): void {
    const { hwid, session } = record;
    const sessions = this.#sessions.get(hwid) ?? new Map();
    sessions.delete(session);
    this.#sessions.set(hwid, sessions.set(session, record));
    this.#guard(session, () => this.#watched.get(hwid)?.device.openSession(record));
  }

  #closeSession({ hwid, session }: SessionRecord): void {
    const sessions = this.#sessions.get(hwid);
    sessions?.delete(session);
    if (sessions?.size === 0) this.#sessions.delete(hwid);
    this.#guard(session, () => this.#watched.get(hwid)?.device.closeSession(session));
    this.#failed.delete(session);
  }

  /** Looks at a device until {@link release}; the first one makes its frames be tapped. */
  acquire(hwid: string | null): WatchedDevice {
    const watched = this.#watched.get(hwid) ?? this.#watch(hwid);
    watched.userCount += 1;
    return watched.device;
  }

  #watch(hwid: string | null): Watched {
    const { clock, cachedOrderOf, tapDevice } = this.#options;
    const device = new WatchedDevice(hwid, { clock, cachedOrderOf, budget: this.#budget });
    for (const record of this.#sessions.get(hwid)?.values() ?? []) device.openSession(record);
    const watched = { device, userCount: 0 };
    this.#watched.set(hwid, watched);
    tapDevice(hwid, (frame) => this.#take(device, frame));
    return watched;
  }

  /** The last one to look at a device makes its frames be tapped no more. */
  release({ hwid }: WatchedDevice): void {
    const watched = this.#watched.get(hwid);
    if (watched === undefined) return;
    watched.userCount -= 1;
    if (watched.userCount > 0) return;
    this.#watched.delete(hwid);
    this.#options.tapDevice(hwid, undefined);
  }

  /** See {@link PastSource.read}. */
  readPast(request: PastRequest, isWanted: () => boolean): Promise<PastPicture | undefined> {
    const watched = this.#watched.get(parseHwid(request.hwid));
    return this.#past.read(request, watched?.device.nibbleOrderOf(request.session), isWanted);
  }

  #take(device: WatchedDevice, frame: TappedFrame): void {
    this.#guard(frame.session, () => device.take(frame));
  }

  /** Recording goes on whatever happens here. */
  #guard(session: string, look: () => void): void {
    try {
      look();
    } catch (thrown) {
      if (this.#failed.has(session)) return;
      this.#failed.add(session);
      this.#options.log.warn({ session, error: toError(thrown).message }, "a frame could not be shown to viewers");
    }
  }

  /** Calls `ticking` ten times a second, behind the devices. */
  add(ticking: Ticking): void {
    this.#ticking.add(ticking);
    this.#timer ??= setInterval(() => this.tick(), tickIntervalMs);
  }

  remove(ticking: Ticking): void {
    this.#ticking.delete(ticking);
    if (this.#ticking.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** A tenth of a second is over; runs by itself while there is somebody to tell. */
  tick(): void {
    this.#budget.renew();
    try {
      for (const { device } of this.#watched.values()) device.tick();
      for (const ticking of this.#ticking) ticking.tick();
    } catch (thrown) {
      const { message, stack } = toError(thrown);
      this.#options.log.error({ code: "INTERNAL", error: message, stack }, "viewers not told");
    }
  }
}
