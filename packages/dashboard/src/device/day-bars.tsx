import { formatShare } from "../format/format-amount.ts";
import { formatDay, formatDuration } from "../format/format-time.ts";
import type { DayPart, DayRecord } from "./completeness.ts";

/** Hours that are named above the days. */
const namedHours = [0, 6, 12, 18] as const;

/** When something was recorded on each day, and how complete it is. */
export function DayBars({ hwid, days }: { readonly hwid: string; readonly days: readonly DayRecord[] }) {
  // A device that kept recordings for later was heard before it was first seen.
  const isShown = ({ lengthS, coveredS }: DayRecord) => lengthS > 0 || coveredS > 0;
  const shown = days.filter((day, index) => isShown(day) || index === days.length - 1).reverse();
  return (
    <section class="panel day-bars" aria-labelledby="days-title">
      <h2 id="days-title">
        Recorded per day <span class="muted">last two weeks, % complete while it recorded</span>
      </h2>
      <div class="day-grid">
        <p class="day-line day-hours muted" aria-hidden="true">
          <span />
          <span class="day-scale">
            {namedHours.map((hour) => (
              <span key={hour} style={{ left: `${(hour / 24) * 100}%` }}>
                {String(hour).padStart(2, "0")}
              </span>
            ))}
          </span>
        </p>
        <ol>
          {shown.map((day) => (
            <li key={day.startMs}>
              <Day hwid={hwid} day={day} />
            </li>
          ))}
        </ol>
      </div>
    </section>
  );
}

function Day({ hwid, day }: { readonly hwid: string; readonly day: DayRecord }) {
  const { startMs, endMs, coveredS, gapS, parts } = day;
  const total = coveredS + gapS;
  const missing = gapS > 0 ? `, ${formatDuration(gapS * 1000)} missing in it` : "";
  return (
    <a
      class="day-line"
      href={`/device/${hwid}/archive?from=${startMs}&to=${endMs}`}
      title={total > 0 ? `${formatDuration(coveredS * 1000)} recorded${missing}` : "Nothing recorded"}
    >
      <span class="day-name">{formatDay(startMs)}</span>
      <span class="day-track" aria-hidden="true">
        {parts.map((part) => (
          <Part key={part.start} part={part} />
        ))}
      </span>
      <span class="day-length">{total > 0 ? formatDuration(coveredS * 1000) : <span class="muted">nothing</span>}</span>
      <span class="day-share muted">{total > 0 && formatShare(coveredS / total)}</span>
    </a>
  );
}

function Part({ part: { start, length, covered, gapS } }: { readonly part: DayPart }) {
  const place = { left: `${(start * 100).toFixed(3)}%`, width: `${(length * 100).toFixed(3)}%` };
  return (
    <>
      {covered > 0 && <span class="day-covered" style={{ ...place, opacity: (0.35 + 0.65 * covered).toFixed(2) }} />}
      {gapS > 0 && <span class="day-gap" style={place} />}
    </>
  );
}
