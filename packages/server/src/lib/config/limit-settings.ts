import Type from "typebox";
import type { SettingDeclaration, SettingDeclarations, SettingValues } from "./setting.ts";

/** Settings of section `Server` that bound what one device or client, and all together, may ask of it. */
export const limitSettings = {
  maxConnections: {
    schema: Type.Integer({ minimum: 0, maximum: 1_000_000 }),
    fallback: 0,
    description: "Devices connected at once; 0: as many as the limit of open files carries.",
    isLive: true,
  },
  maxConnectionsPerDevice: {
    schema: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
    fallback: 16,
    description: "Connections of one device id at once, those that are lost and not noticed yet included.",
    isLive: true,
  },
  maxConnectionsPerAddress: {
    schema: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
    fallback: 2_000,
    description: "Connections of devices from one address (IPv6: one /64) at once; loopback addresses are not counted.",
    isLive: true,
  },
  maxHandshakes: {
    schema: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
    fallback: 4_096,
    description: "Connections at once whose handshake has not come; the oldest gives way to a new one after a second.",
    isLive: true,
  },
  maxSockets: {
    schema: Type.Integer({ minimum: 16, maximum: 1_000_000 }),
    fallback: 1_000,
    description:
      "TCP connections at once besides those of devices: the API, the page, and who has asked for nothing yet.",
    isLive: true,
  },
  maxHeaderBytes: {
    schema: Type.Integer({ minimum: 2_048, maximum: 131_072 }),
    fallback: 16_384,
    unit: "bytes",
    description: "Path and headers of a request.",
  },
  headersTimeoutS: {
    schema: Type.Number({ minimum: 0.1, maximum: 600 }),
    fallback: 15,
    unit: "s",
    description: "Time for the head of a request, from the connection or its first byte on.",
    isLive: true,
  },
  requestTimeoutS: {
    schema: Type.Number({ minimum: 0.1, maximum: 3_600 }),
    fallback: 30,
    unit: "s",
    description: "Time for a whole request, its body included.",
    isLive: true,
  },
  keepAliveTimeoutS: {
    schema: Type.Number({ minimum: 0.1, maximum: 3_600 }),
    fallback: 72,
    unit: "s",
    description: "Time for which a connection stays open between two requests.",
    isLive: true,
  },
  maxBodyBytes: {
    schema: Type.Integer({ minimum: 1_024, maximum: 1_048_576 }),
    fallback: 65_536,
    unit: "bytes",
    description: "Body of a request to the API.",
  },
  maxJsonDepth: {
    schema: Type.Integer({ minimum: 4, maximum: 1_000 }),
    fallback: 16,
    description: "Objects and lists within each other in the body of a request.",
    isLive: true,
  },
  maxEchoBytes: {
    schema: Type.Integer({ minimum: 1_024, maximum: 1_048_576 }),
    fallback: 1_048_576,
    unit: "bytes",
    description: "Body of a request to /echo, message to /ws/echo.",
  },
  maxMessageBytes: {
    schema: Type.Integer({ minimum: 65_536, maximum: 1_048_576 }),
    fallback: 1_048_576,
    unit: "bytes",
    description: "One message of a device, whatever it is split into.",
  },
  maxFragments: {
    schema: Type.Integer({ minimum: 64, maximum: 65_536 }),
    fallback: 2_048,
    description: "WebSocket frames that a message of a device may be split into.",
  },
  maxControlFramesPerS: {
    schema: Type.Integer({ minimum: 10, maximum: 100_000 }),
    fallback: 100,
    description: "PING and PONG of one connection in a second.",
    isLive: true,
  },
  maxFramesPerS: {
    schema: Type.Integer({ minimum: 1_000, maximum: 1_000_000 }),
    fallback: 20_000,
    description: "WebSocket frames of one connection in a second, about; one that sends more is read more slowly.",
    isLive: true,
  },
  maxRateFactor: {
    schema: Type.Integer({ minimum: 0, maximum: 100_000 }),
    fallback: 100,
    description: "How many times as fast as its format says a device is read, for long; 0: as fast as it sends.",
    isLive: true,
  },
  maxQueuedMb: {
    schema: Type.Integer({ minimum: 0, maximum: 1_000_000 }),
    fallback: 0,
    defaultText: "0: a quarter of the memory",
    unit: "MB of 10^6 bytes",
    description: "What is received of all devices and not on disk yet; past it the newest connections are ended.",
    isLive: true,
  },
  maxFailedLogins: {
    schema: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
    fallback: 10,
    description: "Wrong tokens and failed logins of one address in a minute.",
    isLive: true,
  },
  maxApiRequestsPerS: {
    schema: Type.Integer({ minimum: 0, maximum: 1_000_000 }),
    fallback: 100,
    description: "Requests to the API in a second, over ten seconds, by token, without one by address; 0: any number.",
    isLive: true,
  },
  maxExports: {
    schema: Type.Integer({ minimum: 1, maximum: 10_000 }),
    fallback: 16,
    description: "Exports of audio at once.",
    isLive: true,
  },
  maxPictures: {
    schema: Type.Integer({ minimum: 1, maximum: 1_000 }),
    fallback: 4,
    description: "Peaks and spectrograms that are drawn at once; eight times as many may wait.",
    isLive: true,
  },
  maxEventStreams: {
    schema: Type.Integer({ minimum: 1, maximum: 100_000 }),
    fallback: 100,
    description: "Clients that follow the events (SSE) at once.",
    isLive: true,
  },
  maxViewers: {
    schema: Type.Integer({ minimum: 1, maximum: 100_000 }),
    fallback: 100,
    description: "Viewers of the live side at once.",
    isLive: true,
  },
  maxViewersPerAddress: {
    schema: Type.Integer({ minimum: 1, maximum: 100_000 }),
    fallback: 50,
    description: "The same from one address, viewers and followers each; loopback addresses are not counted.",
    isLive: true,
  },
} as const satisfies SettingDeclarations;

/** Those of {@link limitSettings} that a running server takes over. */
export type LiveLimits = Pick<SettingValues<typeof limitSettings>, LiveLimitName>;

type LiveLimitName = {
  [K in keyof typeof limitSettings]: (typeof limitSettings)[K] extends { readonly isLive: true } ? K : never;
}[keyof typeof limitSettings];

/** Takes the {@link LiveLimits} out of settings. */
export function pickLiveLimits(settings: LiveLimits): LiveLimits {
  const isLive = (name: string) => new Map<string, SettingDeclaration>(Object.entries(limitSettings)).get(name)?.isLive;
  return Object.fromEntries(Object.entries(settings).filter(([name]) => isLive(name))) as unknown as LiveLimits;
}
