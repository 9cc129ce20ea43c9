import type { Settings } from "./config/settings.ts";
import type { DeviceProfiles } from "./device-profiles.ts";
import type { Eventing } from "./eventing.ts";
import type { Guarding } from "./guarding.ts";
import { WsEndpoint } from "./ingest/ws-endpoint.ts";
import { type Clock, systemClock } from "./kernel/clock.ts";
import type { ServerError } from "./kernel/errors.ts";
import type { Log } from "./kernel/log.ts";
import type { Limiting } from "./limiting.ts";
import type { Recorder } from "./recording/recorder.ts";
import type { Uploading } from "./uploading.ts";

export interface EndpointOptions {
  readonly settings: Settings;
  readonly clock?: Clock;
  readonly log: Log;
}

/** What devices meet with. */
export interface EndpointParts {
  readonly eventing: Eventing;
  readonly uploading: Uploading | undefined;
  readonly recorder: Recorder;
  readonly guarding: Guarding;
  readonly limiting: Limiting;
  readonly profiles: DeviceProfiles;
  /** See `WsEndpointOptions`. */
  readonly refusalReason: () => ServerError | undefined;
}

/** Creates what takes devices. */
export function createEndpoint(
  { settings, log, clock = systemClock }: EndpointOptions,
  { eventing, uploading, recorder, guarding, limiting, profiles, refusalReason }: EndpointParts,
): WsEndpoint {
  return new WsEndpoint({
    ...settings.server,
    ...limiting.ofDevices,
    tally: limiting.tally,
    queuedBytes: () => recorder.queuedBytes,
    sink: recorder,
    gate: guarding,
    clock,
    log,
    ackIntervalMs: settings.server.ackMs,
    flushIntervalMs: settings.server.flushMs,
    // A segment counts as stored only with its frames.
    hasUploads: uploading?.kinds.includes("bin") ?? false,
    onConnection: (event) => eventing.takeConnection(event),
    adpcmLayoutOf: (hwid) => profiles.profileOf(hwid).adpcmLayout,
    refusalReason,
  });
}
