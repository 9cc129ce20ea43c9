import type { FrameTap } from "../kernel/frame-tap.ts";
import type { SessionRecord } from "../kernel/segment-record.ts";

/** A session that frames can be seen of. */
export interface TappableSession {
  readonly record: Pick<SessionRecord, "hwid">;
  /** Shown each frame; `undefined` while nobody looks. */
  tap: FrameTap | undefined;
}

/** Who looks at the frames of which device. A device that nobody looks at costs nothing per frame. */
export class FrameTaps {
  readonly #sessions = new Map<string | null, Set<TappableSession>>();
  readonly #taps = new Map<string | null, FrameTap>();

  /** Devices whose frames are shown to somebody, whether they are connected or not. */
  get count(): number {
    return this.#taps.size;
  }

  /** Counts a session in. */
  add(session: TappableSession): void {
    const { hwid } = session.record;
    const sessions = this.#sessions.get(hwid) ?? new Set();
    this.#sessions.set(hwid, sessions.add(session));
    session.tap = this.#taps.get(hwid);
  }

  /** Counts a session out. */
  remove(session: TappableSession): void {
    const { hwid } = session.record;
    const sessions = this.#sessions.get(hwid);
    session.tap = undefined;
    if (sessions?.delete(session) === true && sessions.size === 0) this.#sessions.delete(hwid);
  }

  /**
   * Shows the frames of a device to `tap` from now on, in all of its sessions, coming ones included.
   *
   * @param tap - replaces the one before; `undefined`: to nobody
   */
  set(hwid: string | null, tap: FrameTap | undefined): void {
    if (tap === undefined) this.#taps.delete(hwid);
    else this.#taps.set(hwid, tap);
    for (const session of this.#sessions.get(hwid) ?? []) session.tap = tap;
  }
}
