import { devices, serverFacts } from "../api/fleet-store.ts";
import { formatBytes, formatCount, formatNumber } from "../format/format-amount.ts";
import { formatAge, formatRoom } from "../format/format-time.ts";
import { awaySinceMs } from "../shell/away.ts";
import { Moment, Since } from "../shell/time.tsx";
import { type DeviceState, deviceStates } from "./device-state.ts";
import { type FleetAlert, gatherAlerts } from "./fleet-alerts.ts";
import { conditionFilter, counts, entries, stateFilter } from "./fleet-model.ts";
import { pathHwid, titleOf } from "./fleet-order.ts";
import { StateShape } from "./state-badge.tsx";

/** Names that an alert spells out. */
const maxNameCount = 3;

/** So long a file waits only where something is in the way. */
const behindS = 900;

/** How many devices fare how: each number is a filter. */
export function FleetTotals() {
  const total = devices.value?.length ?? 0;
  const states: readonly DeviceState[] = ["live", ...deviceStates.filter((state) => state !== "live")];
  const awayMs = awaySinceMs.value;
  return (
    <div class={`fleet-totals ${awayMs === undefined ? "" : "is-stale"}`}>
      {awayMs !== undefined && (
        <p class="totals-age">
          As of <Moment timeMs={awayMs} />
        </p>
      )}
      <fieldset class="totals">
        <legend class="visually-hidden">Show devices by state</legend>
        <Total state="all" count={total} />
        {states.map((state) => (
          <Total key={state} state={state} count={counts.value[state]} />
        ))}
      </fieldset>
      <DiskRoom />
    </div>
  );
}

function Total({ state, count }: { readonly state: DeviceState | "all"; readonly count: number }) {
  const isChosen = stateFilter.value === state;
  return (
    <button
      type="button"
      class={`total${count === 0 ? " is-zero" : ""}`}
      aria-pressed={isChosen}
      onClick={() => {
        stateFilter.value = isChosen ? "all" : state;
      }}
    >
      <span class="total-count">{formatNumber(count)}</span>
      <span class="total-label">
        {state !== "all" && <StateShape state={state} />}
        {state === "all" ? (count === 1 ? "device" : "devices") : state}
      </span>
    </button>
  );
}

function DiskRoom() {
  const facts = serverFacts.value;
  if (facts === undefined || facts.totalBytes === 0) return null;
  const { freeBytes, totalBytes, diskState, headroomHours, uploadBacklogFiles } = facts;
  const usedShare = 1 - freeBytes / totalBytes;
  const isEndless = headroomHours === undefined || headroomHours === Number.POSITIVE_INFINITY;
  const room = isEndless ? `${formatBytes(freeBytes)} free` : `${formatRoom(headroomHours)} of room`;
  const share = isEndless
    ? `of ${formatBytes(totalBytes)}`
    : `${formatBytes(freeBytes)} of ${formatBytes(totalBytes)} free`;
  return (
    <a class={`disk-room is-${diskState}`} href="/storage" title="Storage and uploads (g s)">
      <span class="total-count">{room}</span>
      <span class="total-label">
        <span class="disk-bar" aria-hidden="true">
          <span style={{ width: `${(usedShare * 100).toFixed(1)}%` }} />
        </span>
        {share}
      </span>
      {uploadBacklogFiles !== undefined && (
        <span class="total-label">
          {uploadBacklogFiles === 0 ? "all uploaded" : `${formatCount(uploadBacklogFiles, "file")} to be uploaded`}
        </span>
      )}
    </a>
  );
}

/** What needs a person; nothing when all is well. */
export function AlertStrip() {
  const alerts = gatherAlerts(entries.value);
  const disk = serverFacts.value?.diskState ?? "ok";
  const { uploadBacklogFiles = 0, uploadBacklogAgeS = 0 } = serverFacts.value ?? {};
  const isBehind = uploadBacklogFiles > 0 && uploadBacklogAgeS > behindS;
  if (alerts.length === 0 && disk === "ok" && !isBehind) return null;
  return (
    <section class={`alert-strip ${awaySinceMs.value === undefined ? "" : "is-stale"}`} aria-label="Needs attention">
      {disk !== "ok" && (
        <p class="alert">
          <StateShape state="clipping" />
          <strong>{disk === "hard" ? "Disk full: nothing is recorded" : "Disk nearly full"}</strong>
        </p>
      )}
      {isBehind && (
        <p class="alert">
          <StateShape state="gap" />
          <strong>
            <a href="/storage">uploads are behind</a>
          </strong>
          <span class="muted">
            {formatCount(uploadBacklogFiles, "file")}, for {formatAge(uploadBacklogAgeS * 1000)}
          </span>
        </p>
      )}
      {alerts.map((alert) => (
        <Alert key={alert.condition} alert={alert} />
      ))}
    </section>
  );
}

function Alert({ alert: { label, shape, condition, entries: held } }: { readonly alert: FleetAlert }) {
  const rest = held.length - maxNameCount;
  return (
    <p class="alert">
      <StateShape state={shape} />
      <strong>{label}</strong>
      {held.slice(0, maxNameCount).map(({ entry, sinceMs }) => (
        <span key={pathHwid(entry.device)} class="alert-device">
          <a href={`/device/${pathHwid(entry.device)}`} title={titleOf(entry.device)}>
            {titleOf(entry.device)}
          </a>{" "}
          <span class="muted">
            <Since timeMs={sinceMs} atMs={awaySinceMs.value} />
          </span>
        </span>
      ))}
      {rest > 0 && (
        <button
          type="button"
          class="link-button"
          onClick={() => {
            stateFilter.value = "all";
            conditionFilter.value = condition;
          }}
        >
          and {formatCount(rest, "more", "more")}
        </button>
      )}
    </p>
  );
}
