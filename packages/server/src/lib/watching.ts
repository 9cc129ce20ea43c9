import type { LiveFigures } from "./api/metrics/server-figures.ts";
import type { ServerSettings } from "./config/settings.ts";
import type { DeviceProfiles } from "./device-profiles.ts";
import type { IngestHost } from "./hosting/ingest-host.ts";
import type { Clock } from "./kernel/clock.ts";
import type { LimitTally } from "./kernel/limit-tally.ts";
import type { Log } from "./kernel/log.ts";
import type { RecordingListener } from "./kernel/recording-events.ts";
import { LiveHub } from "./live/live-hub.ts";
import type { ReadPast } from "./live/past-meter.ts";
import { WsLiveEndpoint } from "./live/ws-live-endpoint.ts";

export interface WatchingOptions {
  /** Asked for frames once somebody looks. */
  readonly ingest: Pick<IngestHost, "tap">;
  readonly profiles: Pick<DeviceProfiles, "profileOf">;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: Pick<ServerSettings, "maxViewers" | "maxViewersPerAddress" | "maxControlFramesPerS">;
  readonly tally: LimitTally;
}

/** The live side: viewers, and what is tapped of recording for them. */
export class Watching {
  readonly endpoint: WsLiveEndpoint;
  readonly #hub: LiveHub;
  #readPast: ReadPast | undefined;

  constructor({ ingest, profiles, clock, log, limits, tally }: WatchingOptions) {
    this.#hub = new LiveHub({
      ...{ clock, log },
      tapDevice: (hwid, tap) => ingest.tap(hwid, tap),
      cachedOrderOf: (hwid) => profiles.profileOf(hwid).cachedNibbleOrder,
      readPast: async (ask) => {
        if (this.#readPast === undefined) throw new Error("the server is not up yet");
        return await this.#readPast(ask);
      },
    });
    this.endpoint = new WsLiveEndpoint({
      ...{ hub: this.#hub, clock, log, tally },
      get maxViewerCount() {
        return limits.maxViewers;
      },
      get maxPerAddress() {
        return limits.maxViewersPerAddress;
      },
      get maxControlFramesPerS() {
        return limits.maxControlFramesPerS;
      },
    });
  }

  /** Who looks at how much, and what was left out. */
  get figures(): LiveFigures {
    const { viewerCount, skippedMessageTotal } = this.endpoint;
    const { watchedCount: watchedDeviceCount, skippedFrameCount: skippedFrameTotal } = this.#hub;
    return { viewerCount, watchedDeviceCount, skippedMessageTotal, skippedFrameTotal };
  }

  /** Shows viewers what was received before they looked, from now on. */
  showPast(readPast: ReadPast): void {
    this.#readPast = readPast;
  }

  /** Lets the live side know of sessions, behind `listener`. */
  listen(listener: RecordingListener): RecordingListener {
    return (event) => {
      listener(event);
      this.#hub.takeRecording(event);
    };
  }
}
