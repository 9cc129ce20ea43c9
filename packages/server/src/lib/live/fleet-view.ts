import { type FleetLevel, formatFleetLevels } from "./binary-messages.ts";
import type { LiveHub, Ticking } from "./live-hub.ts";
import type { FleetMessage, FleetRequest } from "./live-messages.ts";
import { formatHwid, parseHwid } from "./live-request.ts";
import type { ViewerPort } from "./viewer-port.ts";
import type { WatchedDevice } from "./watched-device.ts";

/** Ticks between two messages that tell of sessions: each is about all devices. */
const tellTickCount = 10;

/** A subscription to the levels of many devices. */
export class FleetView implements Ticking {
  readonly #id: number;
  readonly #hub: LiveHub;
  readonly #port: ViewerPort;
  readonly #onChange = () => {
    this.#hasChanged = true;
  };
  #devices: readonly WatchedDevice[] = [];
  #hasChanged = false;
  #quietTickCount = 0;

  constructor(request: FleetRequest, hub: LiveHub, port: ViewerPort) {
    this.#id = request.id;
    this.#hub = hub;
    this.#port = port;
    this.show(request);
    hub.add(this);
  }

  /** Takes another list; devices that stand in both go on. */
  show({ hwids }: FleetRequest): void {
    const earlier = this.#devices;
    this.#devices = hwids.map((hwid) => this.#hub.acquire(parseHwid(hwid)));
    this.#letGo(earlier);
    for (const device of this.#devices) device.observe(this.#onChange);
    this.#tell();
  }

  #tell(): void {
    this.#hasChanged = false;
    this.#quietTickCount = 0;
    this.#port.tell({
      ...{ type: "fleet", id: this.#id },
      devices: this.#devices.map((device) => ({
        hwid: formatHwid(device.hwid),
        streaming: device.isStreaming,
        ...streamOf(device),
        last_minute_dbfs: device.lastMinuteDbfs,
      })),
    });
  }

  #letGo(devices: readonly WatchedDevice[]): void {
    for (const device of devices) {
      device.unobserve(this.#onChange);
      this.#hub.release(device);
    }
  }

  tick(): void {
    this.#quietTickCount += 1;
    if (this.#hasChanged && this.#quietTickCount >= tellTickCount) this.#tell();
    const levels: FleetLevel[] = [];
    this.#devices.forEach(({ level }, index) => {
      if (level !== undefined) levels.push({ index, block: level });
    });
    if (levels.length > 0) this.#port.show(() => formatFleetLevels(this.#id, levels));
  }

  close(): void {
    this.#hub.remove(this);
    this.#letGo(this.#devices);
    this.#devices = [];
  }
}

function streamOf(device: WatchedDevice): Pick<FleetMessage["devices"][number], "format" | "session" | "start_ms"> {
  const record = device.newest(undefined)?.record;
  if (record === undefined) return { format: null, session: null, start_ms: null };
  const { codec, sampleRateHz, channels } = record.format;
  return {
    format: { codec, sample_rate_hz: sampleRateHz, channels },
    ...{ session: record.session, start_ms: record.start.startMs },
  };
}
