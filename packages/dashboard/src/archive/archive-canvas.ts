import { frequencyTicks } from "../device/picture-axes.ts";
import { spectrumColours } from "../device/spectrum-colours.ts";
import { formatDb } from "../format/format-amount.ts";
import { formatDuration } from "../format/format-time.ts";
import { canvasColours, isDarkTheme } from "../shell/theme.ts";
import { type ArchivePicture, type Pin, spectrumRowCount } from "./archive-data.ts";
import { causeNames, gapAt, spanOf } from "./gap-names.ts";
import { leaveOut } from "./span-parts.ts";
import { lengthOf, type TimeSpan, timeTicks } from "./time-view.ts";

/** Heights, CSS px. */
const axisPx = 26;
const coveragePx = 14;
const distancePx = 10;
const tickDistancePx = 92;
/** Share of what is left that the waveform takes where there is a spectrogram. */
const waveShare = 0.42;
const floorDb = -60;
/** Strength of a gap's colour over what is drawn: what it means is seen, and beside it the recording still is. */
const gapTint = 0.25;
/** A gap that takes less has no look of its own that could be taken for quiet: the strip on top tells of it. CSS px. */
const leastGapPx = 0.5;
/** Half of a wave that is lower has no room for labels, CSS px. */
const leastScalePx = 48;

/** How high a level is drawn. */
interface LevelScale {
  readonly ticksDbfs: readonly number[];
  /** Of half of the room. */
  shareOf(dbfs: number): number;
}

/** Of samples, and of levels where there is too much for samples. */
const sampleScale: LevelScale = { ticksDbfs: [-3, -12], shareOf: (dbfs) => 10 ** (dbfs / 20) };
const envelopeScale: LevelScale = { ticksDbfs: [-12, -24, -48], shareOf: (dbfs) => Math.max(0, 1 - dbfs / floorDb) };

/** What stands on the canvas besides the recordings. */
export interface ArchiveMarks {
  readonly view: TimeSpan;
  readonly selection: TimeSpan | undefined;
  readonly playheadMs: number | undefined;
  readonly hoverMs: number | undefined;
  readonly pins: readonly Pin[];
}

/** Draws recordings on their time line. */
export class ArchiveCanvas {
  readonly #canvas: HTMLCanvasElement;
  #spectrum:
    | { readonly picture: ArchivePicture; readonly isDark: boolean; readonly image: OffscreenCanvas }
    | undefined;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
  }

  /** Draws all anew. @param picture - may be of another span: it is drawn where it belongs */
  draw(picture: ArchivePicture | undefined, marks: ArchiveMarks): void {
    const context = this.#canvas.getContext("2d");
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    if (context === null || width === 0) return;
    const scale = devicePixelRatio;
    if (this.#canvas.width !== Math.round(width * scale)) this.#canvas.width = Math.round(width * scale);
    if (this.#canvas.height !== Math.round(height * scale)) this.#canvas.height = Math.round(height * scale);
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    const x = (timeMs: number) => ((timeMs - marks.view.fromMs) / lengthOf(marks.view)) * width;
    drawAxis(context, marks.view, x, width, height);
    drawFuture(context, x(Date.now()), width, height);
    const top = axisPx + coveragePx + distancePx;
    if (picture !== undefined) {
      drawCoverage(context, picture, x);
      drawPins(context, marks.pins, x);
      const hasSpectrum = picture.spectrum !== undefined;
      const waveHeight = hasSpectrum ? (height - top) * waveShare : height - top;
      drawWave(context, picture, x, top, waveHeight);
      if (hasSpectrum) this.#drawSpectrum(context, picture, x, top + waveHeight + distancePx, height);
      drawGaps(context, picture, x, top, height);
    }
    drawMarks(context, marks, x, height);
  }

  #drawSpectrum(
    context: CanvasRenderingContext2D,
    picture: ArchivePicture,
    x: (timeMs: number) => number,
    top: number,
    bottom: number,
  ): void {
    const isDark = isDarkTheme();
    if (this.#spectrum?.picture !== picture || this.#spectrum.isDark !== isDark) {
      const image = paintSpectrum(picture.spectrum ?? new Uint8Array(), isDark);
      if (image === undefined) return;
      this.#spectrum = { picture, isDark, image };
    }
    const left = x(picture.span.fromMs);
    context.drawImage(this.#spectrum.image, left, top, x(picture.span.toMs) - left, bottom - top);
    drawFrequencies(context, picture.highestHz, top, bottom);
  }
}

/** What lies at a moment, in words. */
export function describeMoment({ timeline }: ArchivePicture, timeMs: number): string {
  const gap = gapAt(timeline, timeMs);
  if (gap !== undefined) return `gap of ${formatDuration(gap.duration_s * 1000)}: ${causeNames[gap.cause]}`;
  const bucketMs = timeline.resolution_s * 1000;
  const bucket = timeline.buckets.find(
    ({ start }) => timeMs >= Date.parse(start) && timeMs < Date.parse(start) + bucketMs,
  );
  if (bucket === undefined || bucket.covered_s === 0) return "nothing recorded";
  return bucket.peak_dbfs === null ? "recorded" : `peak ${formatDb(bucket.peak_dbfs)} dB`;
}

function paintSpectrum(levels: Uint8Array, isDark: boolean): OffscreenCanvas | undefined {
  const width = Math.floor(levels.length / spectrumRowCount);
  if (width === 0) return undefined;
  const colours = spectrumColours(isDark);
  const image = new ImageData(width, spectrumRowCount);
  const pixels = new Uint32Array(image.data.buffer);
  for (let column = 0; column < width; column += 1) {
    for (let row = 0; row < spectrumRowCount; row += 1) {
      const level = levels[column * spectrumRowCount + row] ?? 0;
      pixels[(spectrumRowCount - 1 - row) * width + column] = colours[level] ?? 0;
    }
  }
  const canvas = new OffscreenCanvas(width, spectrumRowCount);
  canvas.getContext("2d")?.putImageData(image, 0, 0);
  return canvas;
}

type Place = (timeMs: number) => number;

function drawAxis(context: CanvasRenderingContext2D, view: TimeSpan, x: Place, width: number, height: number): void {
  const { muted, line } = canvasColours();
  context.font = "12px system-ui, sans-serif";
  context.textBaseline = "middle";
  for (const { timeMs, label } of timeTicks(view, Math.max(2, Math.floor(width / tickDistancePx)))) {
    const left = Math.round(x(timeMs));
    context.fillStyle = line;
    context.fillRect(left, 4, 1, height);
    // A label that does not fit would be cut.
    if (left + context.measureText(label).width + 10 > width) continue;
    context.fillStyle = muted;
    context.fillText(label, left + 6, axisPx / 2);
  }
}

/** What is recorded, the more the stronger, and what is missing in it. */
function drawCoverage(context: CanvasRenderingContext2D, { timeline }: ArchivePicture, x: Place): void {
  const { sunken, wave, gap } = canvasColours();
  const bucketMs = timeline.resolution_s * 1000;
  context.fillStyle = sunken;
  context.fillRect(0, axisPx, context.canvas.width, coveragePx);
  for (const { start, covered_s, gap_s } of timeline.buckets) {
    const left = x(Date.parse(start));
    const width = Math.max(1, x(Date.parse(start) + bucketMs) - left + 0.5);
    const gapS = gap_s["not-received"] + gap_s["device-dropped"] + gap_s["storage-failed"];
    // Gaps have a mark of their own.
    const share = Math.min(1, (covered_s + gapS) / timeline.resolution_s);
    context.fillStyle = wave;
    context.globalAlpha = 0.25 + 0.75 * share;
    context.fillRect(left, axisPx, width, coveragePx);
    context.globalAlpha = 1;
    // Where there are too many to be listed.
    if (gapS === 0 || !timeline.has_more_gaps) continue;
    context.fillStyle = gap;
    context.fillRect(left, axisPx + coveragePx - 5, width, 5);
  }
  context.fillStyle = gap;
  for (const { start, duration_s } of timeline.gaps) {
    const left = x(Date.parse(start));
    context.fillRect(left, axisPx, Math.max(2, x(Date.parse(start) + duration_s * 1000) - left), coveragePx);
  }
}

/** What is missing, across waveform and spectrum: there it would look as what is quiet does. */
function drawGaps(
  context: CanvasRenderingContext2D,
  { timeline }: ArchivePicture,
  x: Place,
  top: number,
  bottom: number,
): void {
  // As one shape: those of several streams over each other are no stronger.
  const shape = new Path2D();
  for (const { fromMs, toMs } of timeline.gaps.map(spanOf)) {
    const left = x(fromMs);
    const width = x(toMs) - left;
    if (width >= leastGapPx) shape.rect(left, top, Math.max(1, width), bottom - top);
  }
  context.fillStyle = canvasColours().gap;
  context.globalAlpha = gapTint;
  context.fill(shape);
  context.globalAlpha = 1;
}

/** What has not come yet is no gap. */
function drawFuture(context: CanvasRenderingContext2D, nowPx: number, width: number, height: number): void {
  const left = Math.max(0, nowPx);
  if (left >= width) return;
  context.fillStyle = canvasColours().sunken;
  context.fillRect(left, axisPx, width - left, height);
  context.fillStyle = canvasColours().lineStrong;
  if (nowPx >= 0) context.fillRect(Math.round(nowPx), axisPx, 1, height);
}

/** A line above what is pinned. */
function drawPins(context: CanvasRenderingContext2D, pins: readonly Pin[], x: Place): void {
  context.fillStyle = canvasColours().accent;
  for (const { fromMs, toMs } of pins) {
    context.fillRect(x(fromMs), axisPx - 4, Math.max(3, x(toMs) - x(fromMs)), 3);
  }
}

function drawFrequencies(context: CanvasRenderingContext2D, highestHz: number, top: number, bottom: number): void {
  for (const { hz, label } of frequencyTicks(highestHz)) {
    drawTick(context, label, bottom - (hz / highestHz) * (bottom - top));
  }
}

/** What the height of a wave means. */
function drawLevels(context: CanvasRenderingContext2D, middle: number, half: number, scale: LevelScale): void {
  if (half < leastScalePx) return;
  for (const dbfs of scale.ticksDbfs)
    drawTick(context, `${dbfs} dB`.replace("-", "−"), middle - half * scale.shareOf(dbfs));
}

/** A label on the left, readable on any spectrum. */
function drawTick(context: CanvasRenderingContext2D, label: string, place: number): void {
  const { surface, text } = canvasColours();
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.lineWidth = 3;
  context.strokeStyle = surface;
  context.fillStyle = text;
  context.fillRect(0, Math.round(place), 4, 1);
  context.strokeText(label, 8, place);
  context.fillText(label, 8, place);
}

function drawWave(
  context: CanvasRenderingContext2D,
  picture: ArchivePicture,
  x: Place,
  top: number,
  height: number,
): void {
  const colours = canvasColours();
  const middle = top + height / 2;
  const half = height / 2 - 2;
  context.fillStyle = colours.line;
  context.fillRect(0, middle, context.canvas.width, 1);
  const { peaks, span, timeline } = picture;
  if (peaks === undefined) {
    drawEnvelope(context, timeline, x, middle, half);
    drawLevels(context, middle, half, envelopeScale);
    return;
  }
  context.fillStyle = colours.wave;
  const count = peaks.length / 2;
  const columnMs = lengthOf(span) / count;
  for (let column = 0; column < count; column += 1) {
    const low = peaks[column * 2];
    const high = peaks[column * 2 + 1];
    if (low === null || low === undefined || high === null || high === undefined) continue;
    const left = x(span.fromMs + column * columnMs);
    const width = Math.max(0.75, x(span.fromMs + (column + 1) * columnMs) - left);
    // Each column begins where the one before it ends: of single samples only dots would be left.
    const upper = middle - (Math.max(high, peaks[column * 2 - 2] ?? high) / 32_768) * half;
    const lower = middle - (Math.min(low, peaks[column * 2 - 1] ?? low) / 32_768) * half;
    context.fillRect(left, upper, width, Math.max(1, lower - upper));
  }
  drawLevels(context, middle, half, sampleScale);
}

/** Highest level of each bucket, and how loud it was as a whole. */
function drawEnvelope(
  context: CanvasRenderingContext2D,
  timeline: ArchivePicture["timeline"],
  x: Place,
  middle: number,
  half: number,
): void {
  const { wave, waveQuiet } = canvasColours();
  const bucketMs = timeline.resolution_s * 1000;
  const buckets = timeline.buckets.map(({ start, peak_dbfs, rms_dbfs }) => {
    const fromMs = Date.parse(start);
    return { fromMs, toMs: fromMs + bucketMs, peak_dbfs, rms_dbfs };
  });
  // In a gap nothing was heard: a band that goes through it would say so.
  for (const { fromMs, toMs, peak_dbfs, rms_dbfs } of leaveOut(buckets, timeline.gaps.map(spanOf))) {
    const left = x(fromMs);
    const width = Math.max(0.25, x(toMs) - left - 0.25);
    for (const [dbfs, colour] of [
      [peak_dbfs, waveQuiet],
      [rms_dbfs, wave],
    ] as const) {
      if (dbfs === null) continue;
      const level = Math.max(1, half * envelopeScale.shareOf(dbfs));
      context.fillStyle = colour;
      context.fillRect(left, middle - level, width, level * 2);
    }
  }
}

function drawMarks(context: CanvasRenderingContext2D, marks: ArchiveMarks, x: Place, height: number): void {
  const { accent, text, muted } = canvasColours();
  const { selection, playheadMs, hoverMs } = marks;
  if (selection !== undefined) {
    const left = x(selection.fromMs);
    const width = x(selection.toMs) - left;
    context.fillStyle = accent;
    context.globalAlpha = 0.2;
    context.fillRect(left, axisPx, width, height);
    context.globalAlpha = 1;
    context.fillRect(left - 1, axisPx, 2, height);
    context.fillRect(left + width - 1, axisPx, 2, height);
  }
  if (hoverMs !== undefined) {
    context.fillStyle = muted;
    context.fillRect(Math.round(x(hoverMs)), axisPx, 1, height);
  }
  if (playheadMs !== undefined) {
    context.fillStyle = text;
    context.fillRect(Math.round(x(playheadMs)) - 1, 4, 2, height);
  }
}
