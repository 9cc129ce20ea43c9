import { advanceTrack, type ConditionTrack, freshTrack, heldTrack } from "./condition-track.ts";
import { type Evidence, healthRules, type SegmentFacts } from "./health-conditions.ts";
import { LevelBaseline } from "./level-baseline.ts";

/** A condition that holds. */
export interface HeldCondition {
  readonly condition: string;
  readonly sinceMs: number;
  readonly evidence: Evidence;
}

/** The conditions of one stream of a device, by its segments. */
export class StreamHealth {
  readonly #tracks = new Map<string, ConditionTrack>();
  readonly #baseline = new LevelBaseline();
  #endMs = 0;
  #sessionMs = 0;
  #awaitedMs = 0;

  /** End of its newest segment, ms since 1970; 0 before the first. */
  get endMs(): number {
    return this.#endMs;
  }

  /** When it was last heard of: by a segment, or when others of the device were first heard of in this run. */
  get aliveMs(): number {
    return Math.max(this.#endMs, this.#awaitedMs);
  }

  /** Tells what time it is for the device, so that one without a segment in this run is given time. */
  await(nowMs: number): void {
    if (this.#awaitedMs === 0) this.#awaitedMs = nowMs;
  }

  /** What holds since an earlier run. */
  restore({ condition, sinceMs, evidence }: HeldCondition): void {
    this.#tracks.set(condition, heldTrack(sinceMs, evidence));
  }

  /** Levels of earlier segments: what is usual. */
  restoreLevels(levels: readonly { readonly startMs: number; readonly rmsDbfs: number }[]): void {
    this.#baseline.restore(levels);
  }

  /**
   * Judges a segment. One that lies before those that came says nothing of today, unless its session is a newer one: then
   * the clock was set back.
   *
   * @returns whether a condition came to hold, or holds no more
   */
  take(facts: SegmentFacts): boolean {
    if (facts.endMs <= this.#endMs) {
      if (facts.sessionMs <= this.#sessionMs) return false;
      this.#baseline.rewind(facts.startMs);
    }
    this.#endMs = facts.endMs;
    this.#sessionMs = Math.max(this.#sessionMs, facts.sessionMs);
    const usualDbfs = this.#baseline.usualDbfs;
    let hasChanged = false;
    for (const rule of healthRules) {
      const before = this.#tracks.get(rule.condition) ?? freshTrack;
      const after = advanceTrack(before, rule, rule.read(facts, usualDbfs), facts.startMs);
      this.#tracks.set(rule.condition, after);
      hasChanged ||= before.isHeld !== after.isHeld;
    }
    // What is far too quiet would become the usual in time.
    const { levels } = facts;
    const isUsual = levels !== null && (usualDbfs === undefined || usualDbfs - levels.rmsDbfs < tooQuietDb);
    if (isUsual) this.#baseline.add(facts.startMs, levels.rmsDbfs);
    return hasChanged;
  }

  /** What holds now. */
  get held(): readonly HeldCondition[] {
    return [...this.#tracks].flatMap(([condition, { isHeld, sinceMs, evidence }]) =>
      isHeld ? [{ condition, sinceMs, evidence }] : [],
    );
  }
}

const tooQuietDb = healthRules.find(({ condition }) => condition === "far-below-baseline")?.leaveBelow ?? 0;
