import type { EventLog } from "../catalog/event-log.ts";
import type { Clock } from "../kernel/clock.ts";
import type { ConnectionEvent } from "../kernel/connection-events.ts";
import { DelayQueue } from "../kernel/delay-queue.ts";
import type { EventWriter } from "./event-writer.ts";
import { type OnlineDevices, OnlineDeviceTable } from "./online-devices.ts";

/** A device that comes back within this was not offline. */
const defaultGraceMs = 10_000;
/** After a start: devices wait for up to half a minute before they try again. */
const defaultStartGraceMs = 60_000;

export interface PresenceLogOptions {
  readonly events: Pick<EventLog, "onlineDevices">;
  readonly writer: Pick<EventWriter, "write">;
  readonly clock: Clock;
  /** Told of each device that went offline. */
  readonly onOffline?: (hwid: string) => void;
  /** Default 10 s. */
  readonly graceMs?: number;
  /** The same for devices that were online when an earlier run ended. Default 60 s. */
  readonly startGraceMs?: number;
}

/**
 * Writes `device.online` with a device's first connection and `device.offline` when the last one is gone for some
 * seconds. A stop of the server writes neither: the next start goes on from what the log says, and writes
 * `device.offline` for those that do not come back.
 */
export class PresenceLog {
  readonly #options: PresenceLogOptions;
  readonly #table = new OnlineDeviceTable();
  readonly #leaving: DelayQueue;
  readonly #missing: DelayQueue;
  #state: "new" | "running" | "closed" = "new";

  constructor(options: PresenceLogOptions) {
    const { clock, graceMs = defaultGraceMs, startGraceMs = defaultStartGraceMs } = options;
    this.#options = options;
    this.#leaving = new DelayQueue(clock, graceMs);
    this.#missing = new DelayQueue(clock, startGraceMs);
  }

  /** Which devices are online. */
  get online(): OnlineDevices {
    return this.#table;
  }

  /**
   * Takes up what an earlier run has left. To be called before the first connection.
   *
   * @throws StorageError when the log cannot be read
   */
  async open(): Promise<void> {
    for (const { hwid, sinceMs } of await this.#options.events.onlineDevices()) {
      const { token } = this.#table.restore(hwid, sinceMs);
      this.#missing.schedule({ delayOver: () => this.#forget(hwid, token, null) });
    }
    this.#state = "running";
  }

  /** Takes what ingest tells of connections. */
  take(event: ConnectionEvent): void {
    if (this.#state !== "running") return;
    // At a stop every device goes: that says nothing of the devices.
    if (event.type === "device.disconnected" && event.reason === "SHUTTING_DOWN") return;
    const change = this.#table.take(event);
    if (change?.kind === "came") {
      const data = { stream_id: change.streamId, since_time: new Date(change.sinceMs).toISOString() };
      this.#options.writer.write({ type: "device.online", hwid: change.hwid, data });
    } else if (change?.kind === "left" && event.type === "device.disconnected") {
      const { hwid, token } = change;
      const gone = { atMs: event.atMs, reason: event.reason };
      this.#leaving.schedule({ delayOver: () => this.#forget(hwid, token, gone) });
    }
  }

  /** Writes no more. */
  close(): void {
    this.#state = "closed";
    this.#leaving.close();
    this.#missing.close();
  }

  /** @param gone - when and why its last connection ended; `null`: it was lost with an earlier run */
  #forget(hwid: string, token: number, gone: { readonly atMs: number; readonly reason: string } | null): void {
    const device = this.#table.forget(hwid, token);
    if (device === undefined) return;
    this.#options.onOffline?.(hwid);
    this.#options.writer.write({
      type: "device.offline",
      hwid,
      data: {
        since_time: new Date(device.sinceMs).toISOString(),
        gone_time: gone === null ? null : new Date(gone.atMs).toISOString(),
        reason: gone?.reason ?? "SERVER_RESTARTED",
      },
    });
  }
}
