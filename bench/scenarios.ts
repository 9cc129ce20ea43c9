/** One load that a server is put under; plain data. */
export interface Scenario {
  readonly name: string;
  readonly description: string;
  readonly connectionCount: number;
  /** Of audio per connection; as long as it takes in real time where `pace` says so. */
  readonly seconds: number;
  readonly frameMs: number;
  readonly codec: "adpcm" | "pcm16";
  readonly sampleRateHz: number;
  /** Whether the devices ask for acknowledgements (`eet.v1+ack`). */
  readonly hasAcks: boolean;
  /** `flood`: frames go out as fast as the server takes them. */
  readonly pace: "real-time" | "flood";
  /** Devices whose levels a viewer has on screen, 200 at most. */
  readonly watchedCount: number;
  /** Viewers beside it that ask for levels and never read what comes, 90 at most. */
  readonly slowViewerCount: number;
  /** Whether somebody asks the API 25 times a second meanwhile. */
  readonly isProbed: boolean;
  /** Whether closed segments go to an object store on this machine. */
  readonly hasUploads: boolean;
  /** Whether the server is held to one core, where `taskset` is there. */
  readonly isOnOneCore: boolean;
  /** For this project's server alone. */
  readonly flags: readonly string[];
}

const device = {
  frameMs: 20,
  codec: "adpcm",
  sampleRateHz: 16_000,
  hasAcks: false,
  pace: "real-time",
  watchedCount: 0,
  slowViewerCount: 0,
  isProbed: false,
  hasUploads: false,
  isOnOneCore: false,
  flags: [],
} as const;

/** What takes off the limits that protect a server from a flood. */
const unlimited = ["--max-rate-factor", "0", "--max-frames-per-s", "1000000"] as const;

/** Each codec in frames of each length, with acknowledgements and without. */
const matrix = (["adpcm", "pcm16"] as const).flatMap((codec) =>
  [20, 60, 100].flatMap((frameMs) =>
    [false, true].map(
      (hasAcks): Scenario => ({
        ...device,
        name: `${codec}-${frameMs}${hasAcks ? "-acks" : ""}`,
        description: `200 devices, 16 kHz, ${frameMs} ms frames${hasAcks ? ", acknowledged" : ""}`,
        ...{ codec, frameMs, hasAcks, connectionCount: 200, seconds: 20 },
      }),
    ),
  ),
);

/** All scenarios, by name. The first is the default. */
export const scenarios: readonly Scenario[] = [
  {
    ...device,
    name: "fleet",
    description: "1 000 devices, 16 kHz, 20 ms frames",
    connectionCount: 1_000,
    seconds: 30,
  },
  {
    ...device,
    name: "watched",
    description: "the fleet for 30 s, 50 of it on a viewer's screen",
    connectionCount: 1_000,
    seconds: 30,
    watchedCount: 50,
  },
  {
    ...device,
    name: "smoke",
    description: "50 devices for 5 s, to see that the bench works",
    connectionCount: 50,
    seconds: 5,
  },
  {
    ...device,
    name: "acks",
    description: "500 devices with acknowledgements for 30 s",
    connectionCount: 500,
    seconds: 30,
    hasAcks: true,
  },
  { ...device, name: "crowd", description: "3 000 devices for 30 s", connectionCount: 3_000, seconds: 30 },
  { ...device, name: "pcm", description: "500 devices, 16 kHz", codec: "pcm16", connectionCount: 500, seconds: 30 },
  {
    ...device,
    name: "serving",
    description: "1 000 devices for 30 s, the API asked meanwhile, segments of 5 s closed and uploaded",
    connectionCount: 1_000,
    seconds: 30,
    hasAcks: true,
    isProbed: true,
    hasUploads: true,
    flags: ["--rotate-s", "5"],
  },
  {
    ...device,
    name: "asked",
    description: "1 000 devices with acknowledgements for 30 s, the API asked meanwhile, nothing uploaded",
    connectionCount: 1_000,
    seconds: 30,
    hasAcks: true,
    isProbed: true,
  },
  {
    ...device,
    name: "slow",
    description: "200 devices for 30 s, 50 viewers that never read",
    connectionCount: 200,
    seconds: 30,
    hasAcks: true,
    slowViewerCount: 50,
    isProbed: true,
  },
  {
    ...device,
    name: "steady",
    description: "1 000 devices for 10 minutes: does memory grow?",
    connectionCount: 1_000,
    seconds: 600,
    hasAcks: true,
  },
  {
    ...device,
    name: "one-core",
    description: "1 000 devices with acknowledgements for 20 s, the server held to one core",
    connectionCount: 1_000,
    seconds: 20,
    hasAcks: true,
    isOnOneCore: true,
  },
  {
    ...device,
    name: "flood",
    description: "50 devices send 5 minutes each as fast as they may; one segment, derived afterwards",
    connectionCount: 50,
    seconds: 300,
    pace: "flood",
    isOnOneCore: true,
    flags: [...unlimited, "--rotate-s", "3600"],
  },
  {
    ...device,
    name: "flood-derived",
    description: "the same in segments of 10 s, derived meanwhile",
    connectionCount: 50,
    seconds: 300,
    pace: "flood",
    isOnOneCore: true,
    flags: unlimited,
  },
  ...matrix,
];

/** @throws RangeError for a name that no scenario has */
export function scenarioOf(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found === undefined) throw new RangeError(`there is no scenario "${name}"`);
  return found;
}
