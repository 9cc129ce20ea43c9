import type { Storage } from "@eet/server/api-types";
import { StateShape } from "../fleet/state-badge.tsx";
import { formatBytes } from "../format/format-amount.ts";
import { formatHeadroom } from "./headroom.ts";

type Disk = Storage["disk"];

const states = {
  ok: { shape: "live", word: "has room" },
  soft: { shape: "gap", word: "nearly full" },
  hard: { shape: "clipping", word: "full: no new streams" },
} as const;

/** How much room there is, how long it lasts, and what happens when it does not. */
export function DiskPanel({ disk }: { readonly disk: Disk }) {
  const { shape, word } = states[disk.state];
  const { lead, note } = formatHeadroom(disk);
  return (
    <section class="panel storage-panel" aria-labelledby="disk-title">
      <header class="storage-head">
        <h2 id="disk-title">Disk</h2>
        <span class={`state-badge is-${shape}`}>
          <StateShape state={shape} />
          {word}
        </span>
      </header>
      <p class="storage-lead">
        <strong>{lead}</strong>
        <span class="muted">{note}</span>
      </p>
      <DiskBar disk={disk} />
      <dl class="storage-facts">
        <div>
          <dt>
            <span class="mark-key" aria-hidden="true" />
            Below {formatBytes(disk.soft_mark_bytes)}
          </dt>
          <dd>No WAVs are written, and what is uploaded leaves this disk to make room.</dd>
        </div>
        <div>
          <dt>
            <span class="mark-key is-hard" aria-hidden="true" />
            Below {formatBytes(disk.hard_mark_bytes)}
          </dt>
          <dd>No new streams are taken. What is recorded stays.</dd>
        </div>
        <div>
          <dt>Reserve</dt>
          <dd>
            {formatBytes(disk.reserve_bytes)} {disk.reserve_held === false ? "were given up" : "are held back"}, so that
            open recordings can be finished on a full disk.
          </dd>
        </div>
      </dl>
    </section>
  );
}

function DiskBar({ disk }: { readonly disk: Disk }) {
  const { total_bytes: total, free_bytes: free, recordings_bytes: recordings } = disk;
  if (total === 0) return null;
  const share = (bytes: number) => `${Math.min(100, (Math.max(0, bytes) / total) * 100).toFixed(3)}%`;
  const other = Math.max(0, total - free - recordings);
  return (
    <div class="disk-gauge">
      <div class="gauge-track" aria-hidden="true">
        <span class="gauge-recordings" style={{ width: share(recordings) }} />
        <span class="gauge-other" style={{ width: share(other) }} />
        <span class="gauge-mark is-soft" style={{ right: share(disk.soft_mark_bytes) }} />
        <span class="gauge-mark is-hard" style={{ right: share(disk.hard_mark_bytes) }} />
      </div>
      <ul class="gauge-legend">
        <li>
          <span class="gauge-key gauge-recordings" aria-hidden="true" />
          Recordings <strong>{formatBytes(recordings)}</strong>
        </li>
        <li>
          <span class="gauge-key gauge-other" aria-hidden="true" />
          Other <strong>{formatBytes(other)}</strong>
        </li>
        <li>
          <span class="gauge-key" aria-hidden="true" />
          Free <strong>{formatBytes(free)}</strong> <span class="muted">of {formatBytes(total)}</span>
        </li>
      </ul>
    </div>
  );
}
