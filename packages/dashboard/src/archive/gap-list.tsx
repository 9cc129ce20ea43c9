import { formatCount } from "../format/format-amount.ts";
import { formatDuration } from "../format/format-time.ts";
import type { ArchiveModel } from "./archive-model.ts";
import { describeUtc, momentIn } from "./describe-span.ts";
import { causeNames, type Gap, spanOf } from "./gap-names.ts";
import { lengthOf } from "./time-view.ts";

/** Gaps that are listed: the longest. */
const maxListedCount = 8;
/** Around a gap that is gone to: so many times its length, and at least so long. */
const aroundFactor = 6;
const minAroundMs = 4_000;

/** What is missing in view, for those who do not point at it: each gap can be focused, and gone to. */
export function GapList({ model }: { readonly model: ArchiveModel }) {
  const picture = model.picture.value;
  const { fromMs, toMs } = model.view.value;
  const gaps = (picture?.timeline.gaps ?? []).filter((gap) => spanOf(gap).toMs > fromMs && spanOf(gap).fromMs < toMs);
  if (picture === undefined || gaps.length === 0) return null;
  const isMore = picture.timeline.has_more_gaps;
  const listed = new Set([...gaps].sort((one, other) => other.duration_s - one.duration_s).slice(0, maxListedCount));
  const missingS = gaps.reduce((sum, { duration_s }) => sum + duration_s, 0);
  return (
    <section class="gap-list" aria-label="Gaps in view">
      <p class="muted">
        {isMore ? "More than " : ""}
        {formatCount(gaps.length, "gap")} in view, {formatDuration(missingS * 1000)}
        {listed.size < gaps.length ? "; the longest" : ""}
      </p>
      <ul>
        {gaps
          .filter((gap) => listed.has(gap))
          .map((gap) => (
            <li key={gap.start}>
              <GapButton model={model} gap={gap} />
            </li>
          ))}
      </ul>
    </section>
  );
}

function GapButton({ model, gap }: { readonly model: ArchiveModel; readonly gap: Gap }) {
  const { fromMs, toMs } = spanOf(gap);
  const middleMs = (fromMs + toMs) / 2;
  const view = model.view.value;
  const point = () => {
    model.hoverMs.value = middleMs;
  };
  const leave = () => {
    model.hoverMs.value = undefined;
  };
  return (
    <button
      type="button"
      class="gap-button"
      title={describeUtc(fromMs, lengthOf(view))}
      onFocus={point}
      onBlur={leave}
      onPointerEnter={point}
      onPointerLeave={leave}
      onClick={() => model.show(middleMs, Math.max(minAroundMs, (toMs - fromMs) * aroundFactor))}
    >
      <span class="gap-mark" aria-hidden="true" />
      {momentIn(view, fromMs)} <strong>{formatDuration(toMs - fromMs)}</strong>{" "}
      <span class="muted">{causeNames[gap.cause]}</span>
    </button>
  );
}
