import { useEffect, useRef, useState } from "preact/hooks";
import { isLost, isRefused, nowMs } from "../api/page-live.ts";
import { causeNames } from "../archive/gap-names.ts";
import { formatClock, formatDay, formatDuration, formatMoment, formatUtc } from "../format/format-time.ts";
import { useHotkeys } from "../shell/hotkeys.ts";
import { Icon } from "../shell/icon.tsx";
import { Since } from "../shell/time.tsx";
import { binCount, type DeviceLive } from "./device-live.ts";
import { LevelMeters, showLevels } from "./level-meters.tsx";
import { LivePicture } from "./live-picture.ts";
import { followPicturePointer } from "./picture-pointer.ts";
import type { Recordings } from "./recordings.ts";

/** Nothing came for so long: the meter falls. */
const staleMs = 600;
/** A step of keys and buttons: part of what is shown. */
const stepShare = 0.25;

/** Spectrum, level over time, and a meter of each channel. */
export function LivePanel(props: { readonly live: DeviceLive; readonly recordings: Recordings | undefined }) {
  const { live, recordings } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const meters = useRef<HTMLDivElement>(null);
  const [picture, setPicture] = useState<LivePicture | undefined>(undefined);
  const [hoverPx, setHover] = useState<number | undefined>(undefined);
  useEffect(() => {
    if (canvas.current === null) return;
    const opened = new LivePicture(canvas.current, binCount, live.hwid);
    setPicture(opened);
    let timer: ReturnType<typeof setTimeout> | undefined;
    live.show(opened, (levels) => {
      showLevels(meters.current, levels);
      clearTimeout(timer);
      timer = setTimeout(() => showLevels(meters.current, undefined), staleMs);
    });
    const stopPointer = followPicturePointer(canvas.current, opened, setHover);
    return () => {
      clearTimeout(timer);
      stopPointer();
      opened.close();
    };
  }, [live]);
  const stream = live.stream.value;
  const endMs = recordings?.endMs;
  useEffect(() => {
    if (stream === null && recordings !== undefined) picture?.showEnd(recordings);
    if (recordings !== undefined) picture?.setStart(recordings.startMs);
  }, [picture, stream, endMs]);
  return (
    <section class="panel live-panel" aria-label="Live">
      <div class="live-stage">
        <div class="live-canvas">
          <canvas class="live-picture" ref={canvas} role="img" aria-label="Spectrum and level over time" />
          {stream?.decodable === false && (
            <p class="picture-note">Several ADPCM channels: set their layout to see and hear it</p>
          )}
          {picture !== undefined && hoverPx !== undefined && <HoverTime picture={picture} leftPx={hoverPx} />}
        </div>
        <LevelMeters meters={meters} channelCount={stream?.channels ?? 1} />
      </div>
      {picture !== undefined && <PictureBar picture={picture} live={live} endMs={endMs} />}
    </section>
  );
}

function HoverTime({ picture, leftPx }: { readonly picture: LivePicture; readonly leftPx: number }) {
  // While it is live the picture moves on below the pointer.
  const timeMs = nowMs.value === 0 ? undefined : picture.timeAt(leftPx);
  if (timeMs === undefined) return null;
  return (
    <p class={`hover-note ${leftPx > 240 ? "is-left" : ""}`} style={{ left: `${leftPx}px` }}>
      <strong>
        {formatDay(timeMs)}, {formatClock(timeMs)}
      </strong>
      <span class="muted">{formatUtc(timeMs)}</span>
      <HoverGap picture={picture} timeMs={timeMs} />
    </p>
  );
}

function HoverGap({ picture, timeMs }: { readonly picture: LivePicture; readonly timeMs: number }) {
  const gap = picture.gapAt(timeMs);
  if (gap === undefined) return null;
  const length = formatDuration(gap.lengthMs);
  return (
    <span>{gap.cause === undefined ? `gap of about ${length}` : `gap of ${length}: ${causeNames[gap.cause]}`}</span>
  );
}

interface BarProps {
  readonly picture: LivePicture;
  readonly live: DeviceLive;
  readonly endMs: number | undefined;
}

/** Where the picture stands in time, and how to move it without dragging. */
function PictureBar({ picture, live, endMs }: BarProps) {
  const back = () => picture.scrollShare(-stepShare);
  const ahead = () => picture.scrollShare(stepShare);
  useHotkeys({ ArrowLeft: back, ArrowRight: ahead, End: () => picture.toLive() });
  const edgeMs = picture.edgeMs.value;
  const isAway = live.stream.value === null;
  return (
    <div class="picture-bar">
      <button
        type="button"
        class="button is-quiet is-square"
        aria-label="Earlier"
        title="Earlier (arrow left, or drag the picture)"
        onClick={back}
      >
        <Icon name="left" />
      </button>
      <button
        type="button"
        class="button is-quiet is-square"
        aria-label="Later"
        title="Later (arrow right)"
        disabled={edgeMs === undefined}
        onClick={ahead}
      >
        <Icon name="right" />
      </button>
      <p class="picture-place">
        {edgeMs === undefined ? <Present isAway={isAway} endMs={endMs} /> : <Past edgeMs={edgeMs} />}
      </p>
      {edgeMs !== undefined && (
        <button type="button" class="button" title="End" onClick={() => picture.toLive()}>
          {isAway ? "To the end" : "Back to live"}
        </button>
      )}
    </div>
  );
}

function Present({ isAway, endMs }: { readonly isAway: boolean; readonly endMs: number | undefined }) {
  if (isLost()) return <span class="muted">The server cannot be reached: this is what was heard last</span>;
  if (isRefused.value) return <span class="muted">Live levels cannot be had now: as many look as the server lets</span>;
  if (!isAway) return <span class="muted">What is heard now; drag to look back</span>;
  return (
    <>
      <strong>Nothing is being received</strong>{" "}
      <span class="muted">
        {endMs !== undefined && (
          <>
            last heard <Since timeMs={endMs} /> ago; this is how it ended
          </>
        )}
      </span>
    </>
  );
}

function Past({ edgeMs }: { readonly edgeMs: number }) {
  return (
    <>
      <strong title={formatUtc(edgeMs)}>
        up to {formatMoment(edgeMs, nowMs.value)}:{String(new Date(edgeMs).getSeconds()).padStart(2, "0")}
      </strong>{" "}
      <span class="muted">{formatDuration(Math.max(0, nowMs.value - edgeMs))} ago</span>
    </>
  );
}
