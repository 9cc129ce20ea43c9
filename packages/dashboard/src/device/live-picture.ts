import type { LiveStream, SpectrumBinCount } from "@eet/server/api-types";
import { signal } from "@preact/signals";
import { type DeviceLevels, flagBits, type SpectrumColumns } from "../api/live-frames.ts";
import { canvasColours, isDarkTheme, onThemeChange } from "../shell/theme.ts";
import { drawGaps } from "./gap-drawing.ts";
import { PictureArchive } from "./picture-archive.ts";
import { drawFrequencyAxis, drawTimeAxis, frequencyAxisPx, timeAxisPx } from "./picture-axes.ts";
import { type MissingSound, missingAt } from "./picture-gaps.ts";
import { columnLengthMs, columnSampleCount, columnsPerSecond, PictureGrid } from "./picture-grid.ts";
import { PicturePast } from "./picture-past.ts";
import { PictureTile, shareOfPeak, tileColumnCount } from "./picture-tile.ts";
import type { Recordings } from "./recordings.ts";
import { spectrumColours } from "./spectrum-colours.ts";

const columnPx = 2;
/** Part of the height that the envelope takes. */
const envelopeShare = 0.24;
/** Columns that one level may stand for. */
const maxLevelColumnCount = 12;
/** Behind the newest column the picture is drawn, so that it scrolls evenly. */
const lagColumnCount = 3;
/** Tiles kept: about 17 minutes, half a MB each. */
const maxTileCount = 40;

/** Draws spectrum and level of a device: what is live on the right, and what was recorded before it without a seam. */
export class LivePicture {
  /** Right edge of what is shown, ms since 1970; `undefined`: what is live, or the end of the recordings. */
  readonly edgeMs = signal<number | undefined>(undefined);
  readonly #canvas: HTMLCanvasElement;
  readonly #binCount: SpectrumBinCount;
  readonly #source: { readonly hwid: string; streamId: number | undefined };
  readonly #archive: PictureArchive;
  readonly #past = new PicturePast(this);
  /** Those used last stand last. */
  readonly #tiles = new Map<number, PictureTile>();
  readonly #stopTheme: () => void;
  #colours = spectrumColours(isDarkTheme());
  #grid: PictureGrid | undefined;
  #stream: LiveStream | undefined;
  #sampleRateHz = 0;
  /** Column of the first sample of what is live. */
  #sessionColumn = 0;
  /** Behind the last column that has a level. */
  #levelEnd = Number.NEGATIVE_INFINITY;
  /** Flags of that level. */
  #levelFlags = 0;
  /** The newest column, and the one drawn at the right edge of what is live. */
  #newest = Number.NEGATIVE_INFINITY;
  #head = Number.NEGATIVE_INFINITY;
  /** Earliest column that can be scrolled to. */
  #first = Number.NEGATIVE_INFINITY;
  /** Column at the right edge; `undefined`: follows what is live. */
  #edge: number | undefined;
  #request = 0;
  #paintedAt = 0;

  constructor(canvas: HTMLCanvasElement, binCount: SpectrumBinCount, hwid: string) {
    this.#canvas = canvas;
    this.#binCount = binCount;
    this.#source = { hwid, streamId: undefined };
    this.#archive = new PictureArchive(binCount);
    this.#stopTheme = onThemeChange(() => {
      this.#colours = spectrumColours(isDarkTheme());
    });
    this.#request = requestAnimationFrame(this.#paint);
  }

  /** Another session begins. */
  begin(stream: LiveStream): void {
    if (stream.session === this.#stream?.session) return;
    this.#place(stream.start_ms, stream.sample_rate_hz, stream.stream_id);
    this.#past.close();
    this.#stream = stream;
    this.#sessionColumn = this.#grid?.firstColumnOf(stream.start_ms) ?? 0;
    this.#levelEnd = Number.NEGATIVE_INFINITY;
    this.#newest = Number.NEGATIVE_INFINITY;
  }

  /** Nothing is live: shows how the recordings end. */
  showEnd({ endMs, sampleRateHz, streamId }: Recordings): void {
    this.#past.close();
    this.#stream = undefined;
    this.#place(endMs, sampleRateHz, streamId);
    // What came live ends behind what is closed.
    this.#newest = Math.max(this.#newest, this.#grid?.columnAt(endMs) ?? 0);
  }

  /** Nothing lies before it. */
  setStart(startMs: number): void {
    this.#first = this.#grid?.columnAt(startMs) ?? Number.NEGATIVE_INFINITY;
  }

  takeSpectrum({ binCount, firstSample, samplesPerColumn, columns }: SpectrumColumns): void {
    if (binCount !== this.#binCount || this.#stream === undefined) return;
    const first = this.#sessionColumn + Math.round(firstSample / samplesPerColumn);
    for (const [place, levels] of columns.entries()) {
      const column = first + place;
      this.#tileOf(column).setSpectrum(within(column), levels);
      this.#newest = Math.max(this.#newest, column);
    }
  }

  takeLevels({ endSample, channels, flags }: DeviceLevels): void {
    if (this.#stream === undefined) return;
    const end = this.#sessionColumn + Math.round(endSample / this.#samplesPerColumn);
    // What is missing lies in front of a level, or behind the one before it: no level stands for that.
    const isBroken = ((flags | this.#levelFlags) & (flagBits.gap | flagBits.skipped)) !== 0;
    // Of a server that has much to do levels come less often.
    const isNext = !isBroken && end > this.#levelEnd && end - this.#levelEnd <= maxLevelColumnCount;
    for (let column = isNext ? this.#levelEnd : end - 2; column < end; column += 1) {
      this.#tileOf(column).setLevel(within(column), shareOfLevels(channels), flags);
    }
    this.#levelEnd = end;
    this.#levelFlags = flags;
  }

  /** What was received before somebody looked, of the session that is live. */
  takePastSpectrum(session: string, { binCount, firstSample, samplesPerColumn, columns }: SpectrumColumns): void {
    if (binCount !== this.#binCount || session !== this.#stream?.session) return;
    const first = this.#sessionColumn + Math.round(firstSample / samplesPerColumn);
    for (const [place, levels] of columns.entries()) {
      const column = first + place;
      this.#tileOf(column).fillSpectrum(within(column), levels);
    }
  }

  takePastLevels(session: string, { endSample, channels, flags }: DeviceLevels): void {
    if (session !== this.#stream?.session) return;
    const end = this.#sessionColumn + Math.round(endSample / this.#samplesPerColumn);
    for (let column = end - 2; column < end; column += 1) {
      this.#tileOf(column).fillLevel(within(column), shareOfLevels(channels), flags);
    }
  }

  /** Moves what is shown. @param distancePx - above 0: towards what is live */
  scroll(distancePx: number): void {
    if (!Number.isFinite(this.#head)) return;
    const first = Math.min(this.#head, this.#first + (this.#widthPx / columnPx) * 0.5);
    const edge = Math.max(first, (this.#edge ?? this.#head) + distancePx / columnPx);
    this.#setEdge(edge >= this.#head - 1 ? undefined : edge);
  }

  /** By a share of what is shown. */
  scrollShare(share: number): void {
    this.scroll(this.#widthPx * share);
  }

  /** Shows what is live again. */
  toLive(): void {
    this.#setEdge(undefined);
  }

  /** What is shown, ms since 1970; `undefined`: nothing yet. */
  get span(): { readonly fromMs: number; readonly toMs: number } | undefined {
    const right = this.#edge ?? this.#head;
    if (this.#grid === undefined || !Number.isFinite(right)) return undefined;
    const fromMs = this.#grid.timeOf(right - this.#widthPx / columnPx);
    return { fromMs, toMs: this.#grid.timeOf(right) };
  }

  /** The moment at a place, CSS px from the left; `undefined` beside the picture. */
  timeAt(leftPx: number): number | undefined {
    const span = this.span;
    if (span === undefined || leftPx < 0 || leftPx > this.#widthPx) return undefined;
    return span.fromMs + (leftPx / this.#widthPx) * (span.toMs - span.fromMs);
  }

  /** What is missing at a moment; `undefined`: nothing, as far as it is known. */
  gapAt(timeMs: number): MissingSound | undefined {
    const index = Math.floor((this.#grid?.columnAt(timeMs) ?? Number.NaN) / tileColumnCount);
    const tile = this.#tiles.get(index);
    if (tile === undefined || this.#grid === undefined) return undefined;
    return missingAt({ tile, grid: this.#grid, endColumn: this.#newest + 1 }, timeMs);
  }

  close(): void {
    cancelAnimationFrame(this.#request);
    this.#stopTheme();
    this.#archive.close();
    this.#past.close();
  }

  get #samplesPerColumn(): number {
    return columnSampleCount(this.#sampleRateHz);
  }

  get #widthPx(): number {
    return Math.max(1, this.#canvas.clientWidth - frequencyAxisPx);
  }

  #setEdge(edge: number | undefined): void {
    this.#edge = edge;
    this.edgeMs.value = edge === undefined ? undefined : this.#grid?.timeOf(edge);
  }

  /** Audio of another rate or stream has other columns: what is known of the former says nothing about it. */
  #place(timeMs: number, sampleRateHz: number, streamId: number): void {
    const isOther = this.#source.streamId !== streamId || this.#sampleRateHz !== sampleRateHz;
    if (this.#grid !== undefined && !isOther) return;
    this.#tiles.clear();
    this.#grid = new PictureGrid(timeMs, columnLengthMs(sampleRateHz));
    this.#source.streamId = streamId;
    this.#sampleRateHz = sampleRateHz;
    this.#newest = Number.NEGATIVE_INFINITY;
    this.#head = Number.NEGATIVE_INFINITY;
    this.#setEdge(undefined);
  }

  #tileOf(column: number): PictureTile {
    const index = Math.floor(column / tileColumnCount);
    const tile = this.#tiles.get(index) ?? new PictureTile(index, this.#binCount);
    this.#tiles.delete(index);
    this.#tiles.set(index, tile);
    const [oldest] = this.#tiles.keys();
    if (this.#tiles.size > maxTileCount && oldest !== undefined) this.#tiles.delete(oldest);
    return tile;
  }

  readonly #paint = (time: number): void => {
    this.#request = requestAnimationFrame(this.#paint);
    const passedS = Math.min(0.25, (time - this.#paintedAt) / 1000);
    this.#paintedAt = time;
    const context = this.#canvas.getContext("2d");
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    if (context === null || width === 0) return;
    const scale = devicePixelRatio;
    if (this.#canvas.width !== Math.round(width * scale)) this.#canvas.width = Math.round(width * scale);
    if (this.#canvas.height !== Math.round(height * scale)) this.#canvas.height = Math.round(height * scale);
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    this.#follow(passedS * columnsPerSecond);
    const { span } = this;
    if (span === undefined) return;
    const bottom = height - timeAxisPx;
    const spectrumHeight = bottom * (1 - envelopeShare);
    this.#drawColumns(context, spectrumHeight, bottom);
    drawFrequencyAxis(context, { width, height: spectrumHeight, highestHz: this.#sampleRateHz / 2 });
    drawTimeAxis(context, { span, width: this.#widthPx, top: bottom });
  };

  #follow(passedColumns: number): void {
    const target = this.#stream === undefined ? this.#newest : this.#newest - lagColumnCount;
    if (!Number.isFinite(target)) return;
    const isFar = !(Math.abs(target - this.#head) <= 20);
    // A twentieth of the distance each time: columns come in bursts, the picture does not.
    this.#head = isFar ? target : Math.min(this.#newest, this.#head + passedColumns + (target - this.#head) * 0.05);
  }

  #drawColumns(context: CanvasRenderingContext2D, spectrumHeight: number, bottom: number): void {
    const right = this.#edge ?? this.#head;
    const count = this.#widthPx / columnPx;
    const { hwid, streamId } = this.#source;
    const sampleRateHz = this.#sampleRateHz;
    context.save();
    context.beginPath();
    context.rect(0, 0, this.#widthPx, bottom);
    context.clip();
    context.fillStyle = canvasColours().line;
    context.fillRect(0, middleOf(spectrumHeight, bottom), this.#widthPx, 1);
    for (let at = Math.floor(right / tileColumnCount); at >= Math.floor((right - count) / tileColumnCount); at -= 1) {
      const first = at * tileColumnCount;
      const tile = this.#tileOf(first);
      // At a whole pixel: between tiles no edge may be seen.
      const left = Math.round((this.#widthPx - (right - first) * columnPx) * devicePixelRatio) / devicePixelRatio;
      context.drawImage(tile.image(this.#colours), left, 0, tileColumnCount * columnPx, spectrumHeight);
      drawEnvelope(context, { tile, left, width: this.#widthPx, top: spectrumHeight, bottom, right });
      if (this.#grid !== undefined) {
        const place = { tile, grid: this.#grid, endColumn: this.#newest + 1 };
        drawGaps(context, place, { left, columnPx, middle: middleOf(spectrumHeight, bottom), bottom });
      }
      this.#wantPast(tile);
      if (streamId === undefined || this.#grid === undefined) continue;
      const span = { fromMs: this.#grid.timeOf(first), toMs: this.#grid.timeOf(first + tileColumnCount) };
      this.#archive.want(tile, { hwid, streamId, sampleRateHz }, span, Math.floor(this.#newest) - first);
    }
    context.restore();
  }

  #wantPast(tile: PictureTile): void {
    if (this.#stream === undefined || !Number.isFinite(this.#newest)) return;
    this.#past.want(tile, {
      ...{ hwid: this.#source.hwid, stream: this.#stream, sessionColumn: this.#sessionColumn },
      ...{ endColumn: this.#newest + 1, samplesPerColumn: this.#samplesPerColumn, binCount: this.#binCount },
    });
  }
}

/** Of an envelope between two heights: a bit more room is left above it. */
function middleOf(top: number, bottom: number): number {
  return (top + bottom) / 2 + 2;
}

/** Height of an envelope, 0..1. */
function shareOfLevels(channels: DeviceLevels["channels"]): number {
  const peakDbfs = channels.reduce((most, one) => Math.max(most, one.peakDbfs), -120);
  return shareOfPeak(10 ** (peakDbfs / 20));
}

/** Place of a column in its tile. */
function within(column: number): number {
  return ((column % tileColumnCount) + tileColumnCount) % tileColumnCount;
}

interface EnvelopePlace {
  readonly tile: PictureTile;
  readonly left: number;
  readonly width: number;
  readonly top: number;
  readonly bottom: number;
  /** Column at the right edge. */
  readonly right: number;
}

function drawEnvelope(context: CanvasRenderingContext2D, place: EnvelopePlace): void {
  const { tile, left, width, top, bottom, right } = place;
  const colours = canvasColours();
  const middle = middleOf(top, bottom);
  const half = (bottom - top) / 2 - 6;
  const from = Math.max(0, Math.floor(-left / columnPx));
  const to = Math.min(
    tileColumnCount,
    Math.ceil((width - left) / columnPx),
    Math.ceil(right) - tile.index * tileColumnCount,
  );
  for (let column = from; column < to; column += 1) {
    const level = (tile.levels[column] ?? 0) / 255;
    if (level === 0) continue;
    const flags = tile.marks[column] ?? 0;
    if ((flags & flagBits.clipped) !== 0) context.fillStyle = colours.clipping;
    else if ((flags & flagBits.gap) !== 0) context.fillStyle = colours.gap;
    else context.fillStyle = colours.wave;
    const height = Math.max(0.5, level * half);
    context.fillRect(left + column * columnPx, middle - height, columnPx - 0.5, height * 2);
  }
}
