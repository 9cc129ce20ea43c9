import type { Device, Session, Timeline } from "@eet/server/api-types";
import { signal } from "@preact/signals";
import { useEffect, useMemo, useState } from "preact/hooks";
import { ApiError, describeError, readApi } from "../api/api-client.ts";
import { devices, followFleet } from "../api/fleet-store.ts";
import { isReachable, nowMs } from "../api/page-live.ts";
import { stateOf } from "../fleet/device-state.ts";
import { titleOf } from "../fleet/fleet-order.ts";
import { StateBadge } from "../fleet/state-badge.tsx";
import { awaySinceMs } from "../shell/away.ts";
import { useHotkeys } from "../shell/hotkeys.ts";
import { Icon } from "../shell/icon.tsx";
import { navigate } from "../shell/navigation.ts";
import { countGaps, type DayGaps, type DayRecord, daysBefore, recordDays } from "./completeness.ts";
import { DayBars } from "./day-bars.tsx";
import { DeviceFacts } from "./device-facts.tsx";
import { DeviceLive } from "./device-live.ts";
import "./device.css";
import { ListenControls } from "./listen-controls.tsx";
import { LivePanel } from "./live-panel.tsx";
import { type Recordings, readRecordings } from "./recordings.ts";
import { mergeStreamIds, StreamChooser } from "./stream-chooser.tsx";

const dayCount = 14;
/** Divides the days of every zone: some are a quarter of an hour beside the others. */
const bucketS = 900;
const refreshMs = 20_000;
/** Sessions among which other streams are looked for. */
const sessionCount = 100;

/** What the API tells of a device. */
interface DeviceReport {
  readonly device: Device;
  readonly session: Session | undefined;
  readonly recordings: Recordings | undefined;
  readonly streamIds: readonly number[];
  readonly days: readonly DayRecord[];
  readonly gaps: DayGaps;
}

/** One device: what it sounds like now, and what is known of it. */
export function DeviceView({ hwid }: { readonly hwid: string }) {
  const live = useMemo(() => new DeviceLive(hwid), [hwid]);
  useEffect(() => () => live.close(), [live]);
  const { report, failure } = useReport(hwid, live.chosenStreamId.value);
  useHotkeys({ Escape: () => navigate("/"), a: () => navigate({ view: "archive", hwid }) });
  useEffect(() => {
    document.title = `${report === undefined ? hwid : titleOf(report.device)} · EET`;
  }, [report, hwid]);
  if (report === undefined) return <Missing failure={failure} hwid={hwid} />;
  const { session, recordings, days, gaps } = report;
  // The fleet hears of changes by events, sooner than this view asks.
  const device = devices.value?.find((one) => one.hwid === report.device.hwid) ?? report.device;
  const stream = live.stream.value;
  const isLive = stream !== null && stream !== undefined;
  const state = isLive ? stateOf({ ...device, online: true }, live.heard, nowMs.value) : "offline";
  return (
    <div class="device-view">
      <header class="device-head">
        <a class="button is-quiet is-square" href="/" aria-label="Back to the fleet" title="Fleet (Esc)">
          <Icon name="back" />
        </a>
        <div class="device-names">
          <h1>{titleOf(device)}</h1>
          {device.name !== null && <span class="muted mono">{device.hwid}</span>}
          {stream !== undefined && <StateBadge state={state} />}
        </div>
        <StreamChooser
          streamIds={mergeStreamIds(report.streamIds, live.streamIds.value)}
          chosen={stream?.stream_id ?? live.chosenStreamId.value ?? session?.stream_id}
          onChoose={(streamId) => live.choose(streamId)}
        />
        <a class="button" href={`/device/${hwid}/archive`} title="Archive (a)">
          <Icon name="archive" />
          Archive
        </a>
        <ListenControls
          hwid={hwid}
          streamId={live.chosenStreamId.value}
          stream={awaySinceMs.value === undefined ? stream : undefined}
        />
      </header>
      <LivePanel live={live} recordings={recordings} />
      <div class="device-columns">
        <DeviceFacts device={device} stream={stream} session={session} gaps={gaps} />
        <DayBars hwid={hwid} days={days} />
      </div>
    </div>
  );
}

function Missing({ failure, hwid }: { readonly failure: unknown; readonly hwid: string }) {
  if (failure === undefined) return <div class="message-view" aria-busy="true" />;
  const isUnknown = failure instanceof ApiError && failure.status === 404;
  return (
    <div class="message-view">
      <h1>{isUnknown ? `Nothing was recorded of ${hwid} yet` : "The device cannot be shown"}</h1>
      <p class="muted">{isUnknown ? "It appears with its first sound." : describeError(failure)}</p>
      <p>
        <a href="/">To the fleet</a>
      </p>
    </div>
  );
}

/** Reads the report, and again from time to time. */
function useReport(
  hwid: string,
  streamId: number | undefined,
): { readonly report: DeviceReport | undefined; readonly failure: unknown } {
  const [result] = useState(() => signal<{ report?: DeviceReport; failure?: unknown }>({}));
  useEffect(() => {
    followFleet();
    const abort = new AbortController();
    const read = async () => {
      try {
        result.value = { report: await readReport(hwid, streamId, abort.signal) };
        isReachable.value = true;
      } catch (failure) {
        if (abort.signal.aborted) return;
        // What is shown stays.
        result.value = { ...result.peek(), failure };
        if (!(failure instanceof ApiError)) isReachable.value = false;
      }
    };
    void read();
    const timer = setInterval(() => void (document.hidden ? undefined : read()), refreshMs);
    return () => {
      clearInterval(timer);
      abort.abort();
    };
  }, [hwid, streamId, result]);
  const { report, failure } = result.value;
  return { report, failure };
}

async function readReport(hwid: string, stream: number | undefined, signal: AbortSignal): Promise<DeviceReport> {
  const now = Date.now();
  const path = `/devices/${hwid}`;
  const from = daysBefore(now, dayCount - 1);
  const [device, { sessions }, recordings, timeline] = await Promise.all([
    readApi<Device>(path, {}, signal),
    readApi<{ readonly sessions: readonly Session[] }>(
      `${path}/sessions`,
      { order: "desc", limit: sessionCount },
      signal,
    ),
    readRecordings(hwid, stream, signal),
    readApi<Timeline>(`${path}/timeline`, { from, resolution: bucketS, stream }, signal),
  ]);
  const firstSeenMs = Date.parse(device.first_seen);
  const days = recordDays(timeline, { nowMs: now, firstSeenMs, dayCount });
  const today = days.at(-1) ?? { startMs: now, nextMs: now, gapS: 0 };
  // Of many gaps only the longest are listed: those of today may not be among them.
  const listed = timeline.has_more_gaps
    ? await readApi<Timeline>(`${path}/timeline`, { from: today.startMs, resolution: bucketS, stream }, signal)
    : timeline;
  return {
    device,
    session: sessions.find(({ stream_id }) => stream === undefined || stream_id === stream),
    recordings,
    streamIds: mergeStreamIds(sessions.map(({ stream_id }) => stream_id)),
    days,
    gaps: countGaps(listed, today),
  };
}
