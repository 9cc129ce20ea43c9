import { useEffect, useRef } from "preact/hooks";
import { devices, fleetProblem, followFleet, serverFacts } from "../api/fleet-store.ts";
import { isReachable } from "../api/page-live.ts";
import { formatCount } from "../format/format-amount.ts";
import { useHotkeys } from "../shell/hotkeys.ts";
import { Icon } from "../shell/icon.tsx";
import { nameCondition } from "./device-state.ts";
import { EmptyFleet } from "./empty-fleet.tsx";
import { FleetGrid } from "./fleet-grid.tsx";
import { AlertStrip, FleetTotals } from "./fleet-head.tsx";
import { conditionFilter, layout, order, search, showAll, shown, stateFilter, tagFilter, tags } from "./fleet-model.ts";
import type { FleetOrder } from "./fleet-order.ts";

const orderNames: readonly { readonly value: FleetOrder; readonly label: string }[] = [
  { value: "attention", label: "Attention first" },
  { value: "name", label: "By name" },
  { value: "recent", label: "Last heard first" },
  { value: "size", label: "Largest first" },
];

/** Every device. */
export function FleetView() {
  useEffect(() => {
    document.title = "Fleet · EET";
    followFleet();
  }, []);
  if (devices.value === undefined) return <Waiting />;
  if (devices.value.length === 0) return <EmptyFleet />;
  return (
    <>
      <h1 class="visually-hidden">Fleet</h1>
      <FleetTotals />
      <AlertStrip />
      <Toolbar />
      {shown.value.length === 0 ? <NothingFound /> : <Devices />}
    </>
  );
}

function Waiting() {
  const problem = isReachable.value ? fleetProblem.value : "The page shows the fleet as soon as it answers.";
  const title = isReachable.value ? "The fleet cannot be read now" : "The server cannot be reached";
  return (
    <div class="message-view" aria-busy="true">
      <h1 class={problem === "" ? "visually-hidden" : ""}>{problem === "" ? "Fleet" : title}</h1>
      {problem !== "" && <p class="muted">{problem}</p>}
    </div>
  );
}

function Toolbar() {
  const field = useRef<HTMLInputElement>(null);
  useHotkeys({
    "/": () => field.current?.focus(),
    v: () => {
      layout.value = layout.value === "tiles" ? "rows" : "tiles";
    },
    Escape: () => {
      showAll();
      field.current?.blur();
    },
  });
  return (
    <search class="toolbar">
      <label class="search-field">
        <Icon name="search" />
        <span class="visually-hidden">Search devices</span>
        <input
          ref={field}
          class="field"
          type="search"
          placeholder="Search name, id or tag"
          value={search.value}
          onInput={(event) => {
            search.value = event.currentTarget.value;
          }}
        />
        <span class="key-hint" aria-hidden="true">
          /
        </span>
      </label>
      {conditionFilter.value !== "" && (
        <button
          type="button"
          class="button condition-chip"
          aria-label={`Only ${nameCondition(conditionFilter.value)}: show all`}
          onClick={() => {
            conditionFilter.value = "";
          }}
        >
          {nameCondition(conditionFilter.value)}
          <Icon name="close" size={14} />
        </button>
      )}
      <p class="muted toolbar-count" role="status">
        {formatCount(shown.value.length, "device")}
      </p>
      {tags.value.length > 0 && (
        <select
          class="field"
          aria-label="Tag"
          value={tagFilter.value}
          onChange={(event) => {
            tagFilter.value = event.currentTarget.value;
          }}
        >
          <option value="">All tags</option>
          {tags.value.map((tag) => (
            <option key={tag}>{tag}</option>
          ))}
        </select>
      )}
      <select
        class="field"
        aria-label="Order"
        value={order.value}
        onChange={(event) => {
          order.value = event.currentTarget.value as FleetOrder;
        }}
      >
        {orderNames.map(({ value, label }) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
      <LayoutSwitch />
    </search>
  );
}

function LayoutSwitch() {
  return (
    <div class="segmented">
      {(["tiles", "rows"] as const).map((one) => (
        <button
          key={one}
          type="button"
          aria-pressed={layout.value === one}
          aria-label={one === "tiles" ? "Tiles" : "Rows"}
          title={`${one === "tiles" ? "Tiles" : "Rows"} (v)`}
          onClick={() => {
            layout.value = one;
          }}
        >
          <Icon name={one} />
        </button>
      ))}
    </div>
  );
}

function Devices() {
  return (
    <>
      {layout.value === "rows" && <RowHeads />}
      <FleetGrid entries={shown.value} />
    </>
  );
}

/** What stands below each other in rows. Each entry of the list says it by itself to readers of the screen. */
function RowHeads() {
  const hasUploads = serverFacts.value?.uploadBacklogFiles !== undefined;
  return (
    <p class="row-heads" aria-hidden="true">
      <span>Device</span>
      <span>State</span>
      <span class="row-heads-level">
        <span>Last minute</span>
        <span>Level</span>
        <span>Peak</span>
      </span>
      <span>Format</span>
      <span class="row-heads-end">{hasUploads ? "To upload, drift" : "Clock drift"}</span>
    </p>
  );
}

/** Says which filters nothing has passed. */
function describeNothing(): string {
  const wanted = search.value.trim();
  const others = [
    ...(stateFilter.value === "all" ? [] : [stateFilter.value]),
    ...(conditionFilter.value === "" ? [] : [nameCondition(conditionFilter.value)]),
    ...(tagFilter.value === "" ? [] : [`tagged “${tagFilter.value}”`]),
  ].join(", ");
  if (wanted === "") return `No device is ${others}`;
  return `No device matches “${wanted}”${others === "" ? "" : ` and is ${others}`}`;
}

function NothingFound() {
  return (
    <div class="message-view is-near">
      <h2>{describeNothing()}</h2>
      <button type="button" class="button" onClick={showAll}>
        Show all
      </button>
    </div>
  );
}
