import type { Device } from "@eet/server/api-types";
import { useComputed } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { serverFacts, sessions } from "../api/fleet-store.ts";
import { formatBytes, formatCount, formatNumber, formatPpm, formatStream } from "../format/format-amount.ts";
import { Icon } from "../shell/icon.tsx";
import { Moment, Since } from "../shell/time.tsx";
import { type DeviceState, listRemarks } from "./device-state.ts";
import { levels, painter } from "./fleet-model.ts";
import { type FleetEntry, pathHwid, titleOf } from "./fleet-order.ts";
import { StateBadge, StateShape } from "./state-badge.tsx";

/** A drift below it is what any crystal has. */
const remarkablePpm = 100;
/** Each segment makes three files: so many wait where uploads do not keep up. */
const remarkableFileCount = 30;

/** A device of the fleet, as a tile or as a row: the same parts, placed by the style. */
export function DeviceItem({ entry }: { readonly entry: FleetEntry }) {
  const { device, state } = entry;
  // Of each look at one device's session, all others take no notice.
  const session = useComputed(() => sessions.value.get(pathHwid(device))).value;
  const received = useComputed(() => levels.formats.value.get(pathHwid(device))).value;
  const format = received ?? (session && formatStream(session.format));
  const isOffline = state === "offline";
  const drift = session?.drift_ppm ?? null;
  return (
    <a class={`device-item is-${state}`} href={`/device/${pathHwid(device)}`}>
      <span class="device-title" title={titleOf(device)}>
        {titleOf(device)}
        {device.name !== null && device.name.toLowerCase() !== device.hwid?.toLowerCase() && (
          <span class="device-hwid">{device.hwid}</span>
        )}
      </span>
      <StateBadge state={state} />
      {isOffline ? (
        <span class="device-away">
          last heard <Moment timeMs={Date.parse(device.last_seen)} />, <Since timeMs={Date.parse(device.last_seen)} />{" "}
          ago
        </span>
      ) : (
        <DeviceLevel hwid={pathHwid(device)} state={state} />
      )}
      <DeviceFormat format={format} remarks={isOffline ? [] : listRemarks(device)} />
      <span class="device-end">
        <DeviceBacklog waiting={device.waiting} />
        {drift !== null && (
          <span
            class={Math.abs(drift) >= remarkablePpm ? "is-remarkable" : ""}
            title="How much faster than declared it samples"
          >
            {formatPpm(drift)}
          </span>
        )}
      </span>
    </a>
  );
}

/** What is cut where there is little room is told whole on hover. */
function DeviceFormat(props: { readonly format: string | undefined; readonly remarks: readonly string[] }) {
  const { format = " ", remarks } = props;
  return (
    <span class="device-format" title={[...remarks, format].join(", ")}>
      {remarks.length > 0 && (
        <strong class="device-remark">
          <StateShape state="notice" />
          {remarks.join(", ")}
        </strong>
      )}
      {format}
    </span>
  );
}

/** Files on their way to the object store; nothing when all is there, or uploads are off. */
function DeviceBacklog({ waiting: { files, bytes } }: { readonly waiting: Device["waiting"] }) {
  if (files === 0 || serverFacts.value?.uploadBacklogFiles === undefined) return null;
  return (
    <span
      class={`device-backlog${files >= remarkableFileCount ? " is-remarkable" : ""}`}
      title={`${formatCount(files, "file")} to be uploaded, ${formatBytes(bytes)}`}
    >
      <Icon name="up" size={13} />
      {formatNumber(files)}
      <span class="visually-hidden"> {files === 1 ? "file" : "files"} to be uploaded</span>
    </span>
  );
}

/** The last minute and the meter: drawn past the components. */
function DeviceLevel({ hwid, state }: { readonly hwid: string; readonly state: DeviceState }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  // With its state a tile changes its colour.
  useEffect(() => (canvas.current === null ? undefined : painter.add(hwid, canvas.current)), [hwid, state]);
  return <canvas class="device-level" ref={canvas} />;
}
