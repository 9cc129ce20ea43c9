import { useEffect, useRef } from "preact/hooks";
import { onThemeChange } from "../shell/theme.ts";
import { ArchiveCanvas, describeMoment } from "./archive-canvas.ts";
import { maxPeaksMs, maxSpectrumMs } from "./archive-data.ts";
import type { ArchiveModel } from "./archive-model.ts";
import { ArchivePointer } from "./archive-pointer.ts";
import { clockOf, dateOf, describeUtc } from "./describe-span.ts";
import { lengthOf } from "./time-view.ts";

/** The recordings on their time line: seen, zoomed, moved, selected, played. */
export function ArchiveSurface({ model, lastMs }: { readonly model: ArchiveModel; readonly lastMs: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (canvas.current === null) return;
    const pointer = new ArchivePointer(canvas.current, model);
    const stopDrawing = keepDrawn(canvas.current, model);
    return () => {
      pointer.close();
      stopDrawing();
    };
  }, [model]);
  return (
    <section class="panel archive-surface" aria-label="Recordings" aria-busy={model.isLoading.value}>
      {model.isLoading.value && <span class="loading-line" aria-hidden="true" />}
      <canvas ref={canvas} role="img" aria-label="Coverage, gaps, waveform and spectrum of what is in view" />
      <NothingHere model={model} lastMs={lastMs} />
      <DetailNote model={model} />
      <HoverNote model={model} />
    </section>
  );
}

function NothingHere({ model, lastMs }: { readonly model: ArchiveModel; readonly lastMs: number }) {
  const picture = model.picture.value;
  const { fromMs, toMs } = model.view.value;
  const isKnown = picture !== undefined && picture.span.fromMs <= fromMs + 1 && picture.span.toMs >= toMs - 1;
  if (!isKnown || picture.timeline.buckets.length > 0) return null;
  return (
    <div class="nothing-here">
      <p>Nothing is recorded here</p>
      <button type="button" class="button" onClick={() => void model.showNext(lastMs)}>
        {toMs < lastMs ? "Go to the next recording" : "Go to the latest recording"}
      </button>
    </div>
  );
}

/** What a shorter view would show besides. */
function DetailNote({ model }: { readonly model: ArchiveModel }) {
  const lengthMs = lengthOf(model.view.value);
  if (lengthMs <= maxSpectrumMs || (model.picture.value?.timeline.buckets.length ?? 0) === 0) return null;
  return (
    <p class="detail-note muted">
      {lengthMs > maxPeaksMs ? "Zoom in for waveform and spectrum" : "Zoom in for the spectrum"}
    </p>
  );
}

function HoverNote({ model }: { readonly model: ArchiveModel }) {
  const timeMs = model.hoverMs.value;
  const picture = model.picture.value;
  if (timeMs === undefined || picture === undefined) return null;
  const lengthMs = lengthOf(model.view.value);
  const share = (timeMs - model.view.value.fromMs) / lengthMs;
  const isPinned = model.pins.value.some(({ fromMs, toMs }) => timeMs >= fromMs && timeMs < toMs);
  return (
    <p class={`hover-note ${share > 0.6 ? "is-left" : ""}`} style={{ left: `${(share * 100).toFixed(2)}%` }}>
      <strong>
        {dateOf(timeMs, Date.now())}, {clockOf(timeMs, lengthMs)}
      </strong>
      <span class="muted">{describeUtc(timeMs, lengthMs)}</span>
      <span>
        {describeMoment(picture, timeMs)}
        {isPinned && ", pinned"}
      </span>
    </p>
  );
}

/** Draws when something has changed, once per frame at most. */
function keepDrawn(canvas: HTMLCanvasElement, model: ArchiveModel): () => void {
  const drawing = new ArchiveCanvas(canvas);
  let request = 0;
  let isStale = true;
  const paint = () => {
    request = requestAnimationFrame(paint);
    model.follow();
    const playheadMs = model.player.positionMs ?? model.cursorMs.peek();
    if (!isStale && !model.player.isPlaying.peek()) return;
    isStale = false;
    drawing.draw(model.picture.peek(), {
      view: model.view.peek(),
      selection: model.selection.peek(),
      playheadMs,
      hoverMs: model.hoverMs.peek(),
      pins: model.pins.peek(),
    });
  };
  const note = () => {
    isStale = true;
  };
  const watched = [
    model.view,
    model.picture,
    model.selection,
    model.cursorMs,
    model.hoverMs,
    model.pins,
    model.player.isPlaying,
  ];
  const stops = [...watched.map((one) => one.subscribe(note)), onThemeChange(note)];
  const observer = new ResizeObserver(() => {
    model.widthPx = canvas.clientWidth;
    note();
  });
  observer.observe(canvas);
  request = requestAnimationFrame(paint);
  return () => {
    cancelAnimationFrame(request);
    observer.disconnect();
    for (const stop of stops) stop();
  };
}
