import fc from "fast-check";
import type { DiskFault } from "./simulated-disk.test-support.ts";
import type { Pace } from "./simulated-operations.test-support.ts";

/** One thing that happens. Devices are counted modulo those that there are. */
export type Step =
  /** Connects, or connects once more while the older connection lives; comes back to its session if it had one. */
  | { readonly kind: "connect"; readonly device: number; readonly resendsAll: boolean }
  /** Sends the next frames. */
  | { readonly kind: "send"; readonly device: number; readonly count: number }
  /** Goes back and sends frames that it had sent, then some more. */
  | { readonly kind: "send-again"; readonly device: number; readonly back: number; readonly count: number }
  /** A superseded connection sends what it has not sent. */
  | { readonly kind: "send-old"; readonly device: number; readonly count: number }
  /** Frames are not made: dropped by the device, which tells, or lost in it unseen. */
  | { readonly kind: "skip"; readonly device: number; readonly count: number; readonly how: "dropped" | "lost" }
  /** Tells an anchor of the next frame, which does not follow yet. */
  | { readonly kind: "anchor"; readonly device: number }
  /** Sends a frame that lies years ahead. */
  | { readonly kind: "leap"; readonly device: number }
  | { readonly kind: "acknowledge"; readonly device: number }
  | { readonly kind: "flush"; readonly device: number }
  | { readonly kind: "finish"; readonly device: number }
  /** The connection breaks. */
  | { readonly kind: "lose"; readonly device: number }
  /** Somebody else asks for the device's session. */
  | { readonly kind: "steal"; readonly device: number }
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "fault"; readonly fault: Omit<DiskFault, "untilMs">; readonly ms: number }
  | { readonly kind: "pace"; readonly pace: Pace }
  /** A sync fails right after one that succeeded. */
  | { readonly kind: "stumble"; readonly device: number; readonly count: number }
  | { readonly kind: "heal" }
  /** The disk refuses every sync for longer than recording has patience. */
  | { readonly kind: "dead-disk" }
  /** The server gives up on all connections. */
  | { readonly kind: "fail-all" }
  /** All are away for longer than a session can be resumed. */
  | { readonly kind: "day-off" }
  /** The server stops in order, or as far as it gets, and starts again. */
  | { readonly kind: "restart" }
  | { readonly kind: "crash" }
  | { readonly kind: "power-cut" };

/** A device and the format that it declares. */
export interface DeviceDraft {
  /** Seq of its first frame, 32 bits. */
  readonly firstSeq: number;
  /** 0 = varies. */
  readonly frameSampleCount: number;
}

/** Everything that a run needs: the same scenario runs the same each time. */
export interface Scenario {
  /** Of what chance decides within steps. */
  readonly seed: number;
  readonly devices: readonly DeviceDraft[];
  /** Samples of a segment. */
  readonly rotateSamples: number;
  readonly rotateAlign: boolean;
  readonly flushIntervalMs: number;
  /** Frames are so big that few of them reach the thresholds of writing and slowing. */
  readonly hasBigFrames: boolean;
  /** At the beginning. */
  readonly pace: Pace;
  readonly steps: readonly Step[];
}

const device = fc.nat(2);
const few = fc.integer({ min: 1, max: 12 });
const paces = fc.constantFrom<Pace>("quick", "slow", "uneven");
const forever = 1_000_000_000;

/** Mostly around where seqs wrap or change their sign. */
const firstSeqs = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 2 ** 32 - 60, max: 2 ** 32 - 1 }) },
  { weight: 3, arbitrary: fc.integer({ min: 2 ** 31 - 60, max: 2 ** 31 + 2 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 2 }) },
  { weight: 1, arbitrary: fc.nat(2 ** 32 - 1) },
);

const waits = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 40 }) },
  { weight: 4, arbitrary: fc.integer({ min: 41, max: 500 }) },
  { weight: 2, arbitrary: fc.integer({ min: 501, max: 3_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 5_000, max: 7_000 }) },
  { weight: 1, arbitrary: fc.constant(16_500) },
);

const gapLengths = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 6 }) },
  { weight: 2, arbitrary: fc.integer({ min: 7, max: 200 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1_000, max: 300_000 }) },
);

const faults = fc.oneof(
  fc.record({
    operation: fc.constantFrom("sync" as const, "sync" as const, "write" as const, "open" as const, "commit" as const),
    code: fc.constant("EIO" as const),
    count: fc.integer({ min: 1, max: 4 }),
  }),
  fc.record({
    operation: fc.constantFrom("write" as const, "open" as const, "commit" as const),
    code: fc.constantFrom("ENOSPC" as const, "EMFILE" as const),
    count: fc.constant(forever),
  }),
);

/** A step of a kind with nothing to choose. */
function plain<K extends Step["kind"]>(kind: K): fc.Arbitrary<{ kind: K }> {
  return fc.constant({ kind });
}

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 24, arbitrary: fc.record({ kind: fc.constant("send" as const), device, count: few }) },
  { weight: 18, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: waits }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("connect" as const), device, resendsAll: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("send-again" as const), device, back: few, count: few }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("send-old" as const), device, count: few }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("skip" as const),
      device,
      count: gapLengths,
      how: fc.constantFrom("dropped" as const, "lost" as const),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("anchor" as const), device }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("leap" as const), device }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("acknowledge" as const), device }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("flush" as const), device }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("finish" as const), device }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("lose" as const), device }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("steal" as const), device }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("fault" as const), fault: faults, ms: waits }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("pace" as const), pace: paces }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("stumble" as const), device, count: few }) },
  { weight: 3, arbitrary: plain("heal") },
  { weight: 1, arbitrary: plain("fail-all") },
  { weight: 1, arbitrary: plain("day-off") },
  { weight: 2, arbitrary: plain("restart") },
  { weight: 3, arbitrary: plain("crash") },
  { weight: 3, arbitrary: plain("power-cut") },
);

/** Scenarios of 1 to 3 devices; about one in fifty has a disk that stays dead. */
export const scenarios: fc.Arbitrary<Scenario> = fc
  .record({
    seed: fc.nat(2 ** 31 - 1),
    devices: fc.array(fc.record({ firstSeq: firstSeqs, frameSampleCount: fc.constantFrom(0, 40) }), {
      minLength: 1,
      maxLength: 3,
    }),
    rotateSamples: fc.constantFrom(60, 160, 400, 4_000),
    rotateAlign: fc.boolean(),
    flushIntervalMs: fc.constantFrom(50, 250, 1_000, 2_000),
    hasBigFrames: fc.nat(99).map((chance) => chance === 50),
    pace: paces,
    steps: fc.array(steps, { minLength: 3, maxLength: 50, size: "max" }),
    deadDisk: fc.tuple(fc.nat(99), fc.nat(50)),
  })
  .map(({ deadDisk: [chance, at], steps: drafts, ...rest }) => {
    const dead: Step[] = chance === 50 || chance === 51 ? [{ kind: "dead-disk" }] : [];
    return { ...rest, steps: [...drafts.slice(0, at), ...dead, ...drafts.slice(at)] };
  });
