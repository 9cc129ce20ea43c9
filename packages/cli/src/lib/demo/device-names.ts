import type { DemoDevice } from "./demo-devices.ts";

/** Gives devices their names and tags by the server's API, once it knows them. */
export class DeviceNames {
  readonly #origin: string;
  readonly #waiting = new Map<string, DemoDevice>();

  /** @param origin - as `http://127.0.0.1:5096` */
  constructor(origin: string, devices: readonly DemoDevice[]) {
    this.#origin = origin;
    for (const device of devices) this.#waiting.set(device.hwid, device);
  }

  /** Tries it for a device that has just been heard of; does nothing for one that has its name. Never rejects. */
  async give(hwid: string): Promise<void> {
    const device = this.#waiting.get(hwid);
    if (device === undefined) return;
    this.#waiting.delete(hwid);
    const { name, tags } = device;
    const headers = { "content-type": "application/json" };
    const request = { method: "PATCH", headers, body: JSON.stringify({ name, tags }) };
    const isDone = await fetch(`${this.#origin}/api/v1/devices/${hwid}`, request).then(
      ({ ok }) => ok,
      () => false,
    );
    // Not known yet: tried again with its next segment.
    if (!isDone) this.#waiting.set(hwid, device);
  }
}
