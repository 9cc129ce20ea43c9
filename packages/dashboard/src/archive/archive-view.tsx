import type { Device, Session } from "@eet/server/api-types";
import { useEffect, useState } from "preact/hooks";
import { ApiError, describeError, readApi } from "../api/api-client.ts";
import { isReachable } from "../api/page-live.ts";
import { type Recordings, readRecordings } from "../device/recordings.ts";
import { mergeStreamIds, StreamChooser } from "../device/stream-chooser.tsx";
import { titleOf } from "../fleet/fleet-order.ts";
import { formatDuration } from "../format/format-time.ts";
import { useHotkeys } from "../shell/hotkeys.ts";
import { Icon } from "../shell/icon.tsx";
import { navigate } from "../shell/navigation.ts";
import "./archive.css";
import { ArchiveControls, panStep, zoomStep } from "./archive-controls.tsx";
import { ArchiveModel } from "./archive-model.ts";
import { ArchiveSurface } from "./archive-surface.tsx";
import { describeSpan, describeUtc } from "./describe-span.ts";
import { GapList } from "./gap-list.tsx";
import { isAsking } from "./go-to-time.tsx";
import { SelectionBar } from "./selection-bar.tsx";
import type { TimeSpan } from "./time-view.ts";

const hourMs = 3_600_000;
/** So much is shown at first, also of a device that begins anew again and again. */
const leastMs = 60_000;
/** A server that is away is asked again. */
const retryMs = 3_000;
/** Sessions among which other streams are looked for. */
const sessionCount = 100;

/** What has to be known before anything is shown. */
interface Opened {
  readonly device: Device;
  readonly streamIds: readonly number[];
  /** As far as they were closed when the view was opened. */
  readonly recordings: Recordings | undefined;
  readonly model: ArchiveModel;
}

/** What was recorded of a device: to be looked through, heard and taken along. */
export function ArchiveView({ hwid }: { readonly hwid: string }) {
  const [opened, setOpened] = useState<Opened | undefined>(undefined);
  const [failure, setFailure] = useState<unknown>(undefined);
  useEffect(() => {
    const abort = new AbortController();
    let model: ArchiveModel | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const open = async () => {
      try {
        const found = await openArchive(hwid, abort.signal);
        if (abort.signal.aborted) return found.model.close();
        model = found.model;
        isReachable.value = true;
        setFailure(undefined);
        setOpened(found);
        document.title = `${titleOf(found.device)}, archive · EET`;
      } catch (error) {
        if (abort.signal.aborted) return;
        isReachable.value = error instanceof ApiError;
        setFailure(error);
        timer = setTimeout(open, retryMs);
      }
    };
    void open();
    return () => {
      clearTimeout(timer);
      abort.abort();
      model?.close();
    };
  }, [hwid]);
  if (opened !== undefined) return <Archive {...opened} />;
  if (failure === undefined) return <div class="message-view" aria-busy="true" />;
  const isUnknown = failure instanceof ApiError && failure.status === 404;
  return (
    <div class="message-view">
      <h1>{isUnknown ? `Nothing was recorded of ${hwid} yet` : "The archive cannot be shown"}</h1>
      <p class="muted">{isUnknown ? "It appears with its first sound." : describeError(failure)}</p>
      <a href="/">To the fleet</a>
    </div>
  );
}

async function openArchive(hwid: string, signal: AbortSignal): Promise<Opened> {
  const [device, { sessions }] = await Promise.all([
    readApi<Device>(`/devices/${hwid}`, {}, signal),
    readApi<{ readonly sessions: readonly Session[] }>(
      `/devices/${hwid}/sessions`,
      { order: "desc", limit: sessionCount },
      signal,
    ),
  ]);
  const streamIds = mergeStreamIds(sessions.map(({ stream_id }) => stream_id));
  const asked = new URLSearchParams(location.search).get("stream");
  const streamId = asked === null ? newestOf(streamIds, sessions) : Number(asked);
  const recordings = await readRecordings(hwid, streamId, signal);
  const last = sessions.find(({ stream_id }) => streamId === undefined || stream_id === streamId);
  const span = initialSpan(recordings, last === undefined ? undefined : Date.parse(last.start));
  return { device, streamIds, recordings, model: new ArchiveModel({ hwid, streamId }, span, recordings !== undefined) };
}

/** Of several streams the one that began last; of one none has to be named. */
function newestOf(streamIds: readonly number[], sessions: readonly Session[]): number | undefined {
  return streamIds.length > 1 ? sessions[0]?.stream_id : undefined;
}

function useArchiveKeys(model: ArchiveModel): void {
  useHotkeys({
    " ": () => model.toggle(),
    k: () => model.toggle(),
    j: () => model.skip(-1),
    l: () => model.skip(1),
    ArrowLeft: () => model.pan(-panStep),
    ArrowRight: () => model.pan(panStep),
    "+": () => model.zoom(zoomStep),
    "=": () => model.zoom(zoomStep),
    "-": () => model.zoom(1 / zoomStep),
    "[": () => model.selectTo("from"),
    "]": () => model.selectTo("to"),
    g: () => {
      isAsking.value = true;
    },
    Escape: () => {
      if (model.selection.peek() !== undefined) model.selection.value = undefined;
      else navigate({ view: "device", hwid: model.hwid });
    },
  });
}

function Archive({ device, streamIds, recordings, model }: Opened) {
  const lastMs = recordings?.endMs ?? Date.parse(device.last_seen);
  useArchiveKeys(model);
  const held = model.player.isHeld.value ? "The browser holds the sound back: press Play." : "";
  const note = held || model.player.problem.value || model.problem.value;
  return (
    <div class="archive-view">
      <header class="archive-head">
        <a
          class="button is-quiet is-square"
          href={`/device/${model.hwid}`}
          aria-label="Back to the device"
          title="Device (Esc)"
        >
          <Icon name="back" />
        </a>
        <div class="archive-names">
          <h1>
            {titleOf(device)} <span class="muted">archive</span>
          </h1>
          <ShownSpan span={model.view.value} />
        </div>
        <StreamChooser
          streamIds={streamIds}
          chosen={model.streamId.value}
          onChoose={(streamId) => model.choose(streamId)}
        />
        <ArchiveControls model={model} lastMs={lastMs} />
      </header>
      <ArchiveSurface model={model} lastMs={lastMs} />
      <p class="archive-note" role="status">
        {note}
      </p>
      <SelectionBar model={model} />
      <GapList model={model} />
    </div>
  );
}

function ShownSpan({ span: { fromMs, toMs } }: { readonly span: TimeSpan }) {
  return (
    <p class="muted" title={`${describeUtc(fromMs, toMs - fromMs)} to ${describeUtc(toMs, toMs - fromMs)}`}>
      {describeSpan({ fromMs, toMs })} ({formatDuration(toMs - fromMs)})
    </p>
  );
}

/** What the address says, else the last of what was recorded: a time with nothing before it would be an empty picture. */
function initialSpan(recordings: Recordings | undefined, sessionMs: number | undefined): TimeSpan {
  const query = new URLSearchParams(location.search);
  const fromMs = Number(query.get("from"));
  const toMs = Number(query.get("to"));
  if (query.has("from") && Number.isFinite(fromMs) && Number.isFinite(toMs) && fromMs < toMs) return { fromMs, toMs };
  const { startMs, endMs } = recordings ?? { startMs: Date.now(), endMs: Date.now() };
  const lastMs = Math.max(leastMs, endMs - (sessionMs ?? startMs));
  return { fromMs: endMs - Math.min(hourMs, Math.max(20_000, Math.min(lastMs, endMs - startMs) * 1.05)), toMs: endMs };
}
