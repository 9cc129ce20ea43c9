/**
 * Types of what the server's API gives and takes, for programs that are built against it: import types only.
 *
 * @packageDocumentation
 */

export type { Device } from "./lib/api/resources/device-resource.ts";
export type { PinResource as Pin } from "./lib/api/resources/pin-resource.ts";
export type { RetentionPreview } from "./lib/api/resources/retention-resource.ts";
export type { Segment } from "./lib/api/resources/segment-resource.ts";
export type { Session } from "./lib/api/resources/session-resource.ts";
export type { SimulatedDevice, SimulatedDeviceListing } from "./lib/api/resources/simulation-resource.ts";
export type { Storage } from "./lib/api/resources/storage-resource.ts";
export type { Timeline } from "./lib/api/resources/timeline-resource.ts";
export type {
  AccessResource as Access,
  CreatedToken,
  TokenResource as Token,
} from "./lib/api/resources/token-resource.ts";
export type { Upload } from "./lib/api/resources/upload-resource.ts";
export type { ServerEvent } from "./lib/kernel/server-event.ts";
export type {
  DeviceRequest,
  ErrorMessage,
  FleetMessage,
  FleetRequest,
  HeartbeatMessage,
  HelloMessage,
  ListenRequest,
  LiveMessage,
  LiveRequest,
  LiveStream,
  levelFlags,
  liveLimits,
  liveMessageKinds,
  PastMessage,
  PastRequest,
  PastSecond,
  SpectrumBinCount,
  StoppedMessage,
  StopRequest,
  StreamMessage,
} from "./lib/live/live-messages.ts";
