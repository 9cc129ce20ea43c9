import type { Storage } from "@eet/server/api-types";
import { formatBytes, formatCount } from "../format/format-amount.ts";
import { formatAge } from "../format/format-time.ts";

type Uploads = NonNullable<Storage["uploads"]>;

const barWidth = 4;
const step = 6;
const height = 44;
/** What is not nothing is seen. */
const leastHeight = 2;

/** What was uploaded in each minute of the last hour. */
export function ThroughputChart({ uploads }: { readonly uploads: Uploads }) {
  const { minutes, measured_s: measuredS } = uploads;
  const files = minutes.reduce((sum, minute) => sum + minute.files, 0);
  const bytes = minutes.reduce((sum, minute) => sum + minute.bytes, 0);
  const most = Math.max(1, ...minutes.map((minute) => minute.bytes));
  const span = measuredS >= 3_599 ? "the last hour" : `the last ${formatAge(measuredS * 1000)}`;
  const text = `${formatBytes(bytes)} in ${span}`;
  return (
    <figure class="throughput">
      <svg
        viewBox={`0 0 ${minutes.length * step - (step - barWidth)} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Uploaded per minute: ${text}`}
      >
        {minutes.map((minute, index) => {
          const share = minute.bytes === 0 ? 0 : Math.max(leastHeight, (minute.bytes / most) * height);
          return (
            <g key={index}>
              <rect class="throughput-base" x={index * step} y={height - 1} width={barWidth} height={1} />
              {share > 0 && (
                <rect class="throughput-bar" x={index * step} y={height - share} width={barWidth} height={share} />
              )}
            </g>
          );
        })}
      </svg>
      <p class="throughput-ends" aria-hidden="true">
        <span>an hour ago</span>
        <span>now</span>
      </p>
      <figcaption>
        <span>
          <strong>{formatBytes(uploads.bytes_per_s)}/s</strong> <span class="muted">in the last minute</span>
        </span>
        <span>
          <strong>{formatBytes(bytes)}</strong>{" "}
          <span class="muted">
            in {span}, {formatCount(files, "file")}
          </span>
        </span>
      </figcaption>
    </figure>
  );
}
