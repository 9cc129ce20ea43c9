/** What a segment says of its device. */
export interface SegmentFacts {
  readonly streamId: number;
  /** When its session began, by the server's clock, ms since 1970: which of two is the newer one. */
  readonly sessionMs: number;
  /** Of its first sample, ms since 1970, by the server's clock where the device's was not believed. */
  readonly startMs: number;
  readonly endMs: number;
  /** File name without ending. */
  readonly name: string;
  /** `null` when it could not be decoded. */
  readonly levels: SegmentLevels | null;
  /** How much faster than declared the device samples, by the session so far; `null` when not known. */
  readonly driftPpm: number | null;
}

/** Levels of a segment; see the sidecar. */
export interface SegmentLevels {
  readonly peakDbfs: number;
  /** Of what was received: silence in the place of gaps is not counted. */
  readonly rmsDbfs: number;
  /** -1 to 1. */
  readonly dcOffset: number;
  /** Share of the samples at either end of the range, 0 to 1. */
  readonly clippedShare: number;
  /** Share of the power at the frequencies of the mains, 0 to 1; `null` when not known. */
  readonly humShare: number | null;
}

/** Numbers that show a condition; field names stand as in events. */
export type Evidence = Readonly<Record<string, number>>;

/** What one look at a condition gives; `undefined`: this segment says nothing of it. */
export interface Reading {
  /** In the unit of the rule's thresholds; higher is worse. */
  readonly badness: number;
  readonly evidence: Evidence;
}

/** A condition that segments show. */
export interface HealthRule {
  readonly condition: string;
  /** One line for people. */
  readonly meaning: string;
  /** What `badness` is. */
  readonly measure: string;
  /** A segment of this badness or more is bad. */
  readonly enterAt: number;
  /** One below this is good; between the two a segment is neither. */
  readonly leaveBelow: number;
  /** Bad segments in a row until it holds; 2 or more. */
  readonly badCount: number;
  /** Good segments in a row until it holds no more; 2 or more. */
  readonly goodCount: number;
  /** @param baselineDbfs - the stream's usual RMS level; `undefined` while it is not known */
  readonly read: (facts: SegmentFacts, baselineDbfs: number | undefined) => Reading | undefined;
}

/** A channel that is quieter holds nothing but rounding: one step of 16 bits is -90.3 dBFS. */
const digitalSilenceDbfs = -90;
/** DC below it is an offset that every converter has: 16 steps of 16 bits. */
const smallestDc = 16 / 32768;
/** Below it there is too little power to say what it is made of. */
const smallestHumDbfs = -80;

/** The conditions that levels and drift show. docs/events.md has the table; a test holds it equal. */
export const healthRules: readonly HealthRule[] = [
  {
    condition: "dead",
    meaning: "digital silence: nothing but zeros, or single steps of the converter",
    measure: "dB that the peak lies below full scale",
    enterAt: -digitalSilenceDbfs,
    leaveBelow: 84,
    badCount: 3,
    goodCount: 3,
    read: (facts) => readLevels(facts, ({ peakDbfs }) => reading(-peakDbfs, { peak_dbfs: peakDbfs })),
  },
  {
    condition: "stuck-dc",
    meaning: "one constant value that is not zero",
    measure: "1 / (1 + dB that the peak lies above the mean), where the mean is 0.0005 of full scale or more",
    enterAt: 0.91,
    leaveBelow: 0.67,
    badCount: 3,
    goodCount: 3,
    read: (facts) => readLevels(facts, readStuck),
  },
  {
    condition: "clipping",
    meaning: "too loud: samples stand at the ends of the range",
    measure: "% of the samples that are clipped",
    enterAt: 0.1,
    leaveBelow: 0.01,
    badCount: 3,
    goodCount: 3,
    read: (facts) =>
      readLevels(facts, ({ clippedShare }) => reading(clippedShare * 100, { clipped_percent: clippedShare * 100 })),
  },
  {
    condition: "hum-only",
    meaning: "little but the hum of the mains: a microphone that is off, a broken ground",
    measure: "% of the power at 50 or 60 Hz and their harmonics, where the level is above -80 dBFS",
    enterAt: 90,
    leaveBelow: 75,
    badCount: 6,
    goodCount: 3,
    read: (facts) => readLevels(facts, readHum),
  },
  {
    condition: "far-below-baseline",
    meaning: "much quieter than the device usually is: covered, turned away, losing gain",
    measure: "dB that the RMS level lies below the median of the last 7 days",
    enterAt: 25,
    leaveBelow: 15,
    badCount: 12,
    goodCount: 3,
    read: (facts, baselineDbfs) => readLevels(facts, (levels) => readBaseline(levels, baselineDbfs)),
  },
  {
    condition: "wrong-rate",
    meaning: "the sample rate that it declares can hardly be the true one",
    measure: "drift, ppm",
    enterAt: 500,
    leaveBelow: 300,
    badCount: 3,
    goodCount: 3,
    read: readDrift,
  },
  {
    condition: "drift",
    meaning: "its clock is off; whoever joins its recordings to others has to resample",
    measure: "drift, ppm",
    enterAt: 100,
    leaveBelow: 70,
    badCount: 3,
    goodCount: 3,
    read: readDrift,
  },
];

/** The condition of a device that is connected and sends nothing; connections show it, not segments. */
export const noDataCondition = "no-data";

function reading(badness: number, evidence: Evidence): Reading {
  const rounded = Object.entries(evidence).map(([name, value]) => [name, Math.round(value * 1e4) / 1e4]);
  return { badness, evidence: Object.fromEntries(rounded) };
}

function readLevels(facts: SegmentFacts, read: (levels: SegmentLevels) => Reading | undefined): Reading | undefined {
  return facts.levels === null ? undefined : read(facts.levels);
}

/** A constant has no peak above its mean; levels are rounded to 0.01 dB. */
function readStuck({ peakDbfs, dcOffset }: SegmentLevels): Reading {
  const evidence = { dc_offset: dcOffset, peak_dbfs: peakDbfs };
  if (Math.abs(dcOffset) < smallestDc) return reading(0, evidence);
  const aboveMeanDb = Math.max(0, peakDbfs - 20 * Math.log10(Math.abs(dcOffset)));
  return reading(1 / (1 + aboveMeanDb), evidence);
}

function readHum({ humShare, rmsDbfs }: SegmentLevels): Reading | undefined {
  if (humShare === null) return undefined;
  const evidence = { hum_percent: humShare * 100, rms_dbfs: rmsDbfs };
  return reading(rmsDbfs < smallestHumDbfs ? 0 : humShare * 100, evidence);
}

function readBaseline({ rmsDbfs }: SegmentLevels, baselineDbfs: number | undefined): Reading | undefined {
  if (baselineDbfs === undefined) return undefined;
  return reading(baselineDbfs - rmsDbfs, { rms_dbfs: rmsDbfs, baseline_dbfs: baselineDbfs });
}

function readDrift({ driftPpm }: SegmentFacts): Reading | undefined {
  return driftPpm === null ? undefined : reading(Math.abs(driftPpm), { drift_ppm: driftPpm });
}
