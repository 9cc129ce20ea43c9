import type { ConnectionEvent } from "../kernel/connection-events.ts";

/** A device that has at least one connection with a handshake, or had one some seconds ago. Times are ms since 1970. */
export interface OnlineDevice {
  readonly hwid: string;
  readonly sinceMs: number;
  /** 0 while it may still come back. */
  readonly connectionCount: number;
  /** Since when every one of its connections sends nothing; `null` while one sends, and for the first 10 s. */
  readonly silentSinceMs: number | null;
}

/** Which devices are connected now. Those without an id are not known one by one, so they are not in it. */
export interface OnlineDevices {
  readonly count: number;
  isOnline(hwid: string): boolean;
  device(hwid: string): OnlineDevice | undefined;
  all(): Iterable<OnlineDevice>;
}

interface Connection {
  readonly streamId: number;
  silentSinceMs: number | null;
}

interface Device {
  readonly hwid: string;
  readonly sinceMs: number;
  readonly connections: Map<number, Connection>;
  /** Counts its ends, so that one that it came back from is not taken for the last. */
  goneCount: number;
}

/** What changed by an event. */
export type PresenceChange =
  | { readonly kind: "came"; readonly hwid: string; readonly sinceMs: number; readonly streamId: number }
  /** Its last connection is gone; {@link OnlineDeviceTable.forget} it with this if it does not come back. */
  | { readonly kind: "left"; readonly hwid: string; readonly token: number };

/** Keeps account of {@link OnlineDevices}. */
export class OnlineDeviceTable implements OnlineDevices {
  readonly #devices = new Map<string, Device>();

  get count(): number {
    return this.#devices.size;
  }

  isOnline(hwid: string): boolean {
    return this.#devices.has(hwid);
  }

  device(hwid: string): OnlineDevice | undefined {
    const device = this.#devices.get(hwid);
    return device && describe(device);
  }

  *all(): Iterable<OnlineDevice> {
    for (const device of this.#devices.values()) yield describe(device);
  }

  /** Takes a device for online that was so when an earlier run ended. @returns as the end of its last connection */
  restore(hwid: string, sinceMs: number): Extract<PresenceChange, { kind: "left" }> {
    this.#devices.set(hwid, { hwid, sinceMs, connections: new Map(), goneCount: 0 });
    return { kind: "left", hwid, token: 0 };
  }

  /** @returns what it changes, if anything */
  take(event: ConnectionEvent): PresenceChange | undefined {
    const { hwid, connectionId } = event;
    if (hwid === null) return undefined;
    if (event.type === "device.connected") return this.#connect(hwid, event);
    const device = this.#devices.get(hwid);
    const connection = device?.connections.get(connectionId);
    if (device === undefined || connection === undefined) return undefined;
    if (event.type === "device.silent") connection.silentSinceMs = event.sinceMs;
    else if (event.type === "device.sends") connection.silentSinceMs = null;
    else return disconnect(device, connectionId);
    return undefined;
  }

  /**
   * Drops a device that did not come back.
   *
   * @param token - of {@link PresenceChange}
   * @returns the device, or `undefined` when it came back
   */
  forget(hwid: string, token: number): OnlineDevice | undefined {
    const device = this.#devices.get(hwid);
    if (device === undefined || device.connections.size > 0 || device.goneCount !== token) return undefined;
    this.#devices.delete(hwid);
    return describe(device);
  }

  #connect(
    hwid: string,
    { connectionId, streamId, atMs }: Extract<ConnectionEvent, { type: "device.connected" }>,
  ): PresenceChange | undefined {
    const known = this.#devices.get(hwid);
    const device = known ?? { hwid, sinceMs: atMs, connections: new Map(), goneCount: 0 };
    device.connections.set(connectionId, { streamId, silentSinceMs: null });
    if (known !== undefined) return undefined;
    this.#devices.set(hwid, device);
    return { kind: "came", hwid, sinceMs: atMs, streamId };
  }
}

function disconnect(device: Device, connectionId: number): PresenceChange | undefined {
  device.connections.delete(connectionId);
  if (device.connections.size > 0) return undefined;
  device.goneCount += 1;
  return { kind: "left", hwid: device.hwid, token: device.goneCount };
}

function describe({ hwid, sinceMs, connections }: Device): OnlineDevice {
  const silences = [...connections.values()].map(({ silentSinceMs }) => silentSinceMs);
  const silentSinceMs = silences.reduce<number | null>(
    (latest, since) => (latest === null || since === null ? null : Math.max(latest, since)),
    silences[0] ?? null,
  );
  return { hwid, sinceMs, connectionCount: connections.size, silentSinceMs };
}
