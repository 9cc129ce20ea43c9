import type { KnownDevice } from "./catalog/catalog.ts";
import type { Settings } from "./config/settings.ts";
import type { FinishedSegment } from "./kernel/finished-segment.ts";
import type { DeviceProfile } from "./kernel/segment-record.ts";

/**
 * How each device's ADPCM is to be read: by configuration, and by what its earlier streams told. [P-1.5] Kept in memory,
 * since it is asked for when a session opens.
 */
export class DeviceProfiles {
  readonly #devices: Settings["devices"];
  readonly #cachedOrders = new Map<string, "low" | "high">();

  constructor(devices: Settings["devices"], known: readonly KnownDevice[]) {
    this.#devices = devices;
    for (const { hwid, nibbleOrder } of known) this.#cachedOrders.set(hwid, nibbleOrder);
  }

  /** Profile of a device; an empty one for a connection without hwid. */
  profileOf(hwid: string | null): DeviceProfile {
    if (hwid === null) return {};
    const configured = this.#devices.get(hwid);
    const cachedNibbleOrder = this.#cachedOrders.get(hwid);
    return {
      ...(configured?.nibbleOrder !== undefined && { configuredNibbleOrder: configured.nibbleOrder }),
      ...(configured?.adpcmLayout !== undefined && { adpcmLayout: configured.adpcmLayout }),
      ...(cachedNibbleOrder !== undefined && { cachedNibbleOrder }),
    };
  }

  /** Learns from a segment whose own frames told the order. @returns whether that was news */
  learn({ sidecar }: FinishedSegment): boolean {
    const { hwid, nibble_order: found } = sidecar;
    if (hwid === null || found === null) return false;
    if (found.source !== "exact" && found.source !== "statistical") return false;
    if (this.#cachedOrders.get(hwid) === found.order) return false;
    this.#cachedOrders.set(hwid, found.order);
    return true;
  }
}
