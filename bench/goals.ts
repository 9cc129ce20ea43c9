/** What the figures shall be; as ratios within one run where the machine decides. */
export const goals = {
  /** Paced, acknowledged, everything derived: processor time per frame against a server that only counts frames. */
  cpuAgainstNull: 0.5,
  /** The same against what is written first. */
  cpuAgainstNaive: 0.2,
  /** Frames per second of one core against a server that only counts them. */
  floodAgainstNull: 0.9,
  /** Processor time per frame at 1 000 streams against that at 100. */
  cpuOfManyAgainstFew: 1,
  /** Streams of 20 ms frames that one core carries. */
  streamsPerCore: 4_000,
  /** The latest that acknowledgements may come while it does. */
  ackP99Ms: 2_500,
  /** Processor time per frame with acknowledgements against without. */
  acksAgainstNone: 1.05,
  /** Acknowledgements of 500 streams: the flush interval, the ack interval and 150 ms. */
  fleetAckP99Ms: 2_150,
  rssPerStreamKiB: 96,
  apiP99Ms: 20,
  eventLoopP99Ms: 20,
  /** 1 000 connections one after another, against a server that only counts frames. */
  connectAgainstNull: 1.5,
  /** Audio by processor time of one core: 16 kHz mono ADPCM. */
  finishingFactor: 1_500,
  /** A range as WAV against `cat` of a file of that size. */
  exportAgainstCat: 0.5,
  /** Whatever a dashboard asks a catalogue of 10 000 000 segments: 95 of 100 answers. */
  catalogP95Ms: 50,
  /** Of one hour as WAV: until its first sample is there. */
  exportFirstByteMs: 250,
  /** The same: however long the range, few pieces of it are held at once. */
  exportGrowthMiB: 64,
  /** Peaks and spectrogram of one hour, of which nobody has asked yet. */
  firstPictureMs: 1_000,
  /** 10 000 open segments. */
  recoveryS: 15,
  /** Until a device is let in while they wait. */
  recoveryConnectMs: 1_000,
} as const;
