/** One load that a server is put under; plain data. */
export interface Scenario {
  readonly name: string;
  readonly description: string;
  readonly connectionCount: number;
  readonly seconds: number;
  readonly frameMs: number;
  readonly codec: "adpcm" | "pcm16";
  readonly sampleRateHz: number;
}

const device = { frameMs: 20, codec: "adpcm", sampleRateHz: 16_000 } as const;

/** All scenarios, by name. The first is the default. */
export const scenarios: readonly Scenario[] = [
  {
    ...device,
    name: "fleet",
    description: "1 000 devices, 16 kHz ADPCM, 20 ms frames",
    connectionCount: 1_000,
    seconds: 30,
  },
  {
    ...device,
    name: "smoke",
    description: "50 devices for 5 s, to see that the bench works",
    connectionCount: 50,
    seconds: 5,
  },
  { ...device, name: "crowd", description: "3 000 devices for 30 s", connectionCount: 3_000, seconds: 30 },
  { ...device, name: "pcm", description: "500 devices, 16 kHz PCM", codec: "pcm16", connectionCount: 500, seconds: 30 },
];
