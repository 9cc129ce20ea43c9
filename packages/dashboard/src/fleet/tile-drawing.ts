import { formatDb } from "../format/format-amount.ts";
import { type CanvasColours, canvasColours } from "../shell/theme.ts";
import { historyLength, type LevelHistory } from "./level-history.ts";
import { levelShare, MeterFall, silenceDbfs } from "./meter-fall.ts";

/** So long after the last level a device is taken for quiet. */
const heardMs = 1_000;
const barShare = 0.62;

/** Sizes of what is drawn, CSS px. */
const sizes = {
  /** From this height on the wave stands above the meter, else beside it. */
  stackedHeight: 40,
  /** Below this height there is no wave. */
  waveHeight: 20,
  textWidth: 64,
  meterHeight: 6,
  /** What meter and number take of a tile. */
  lineHeight: 20,
  distance: 16,
} as const;

/** A part of the canvas, its own px. */
interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** A device's last minute and its meter, on a canvas. */
export class TileDrawing {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D | null;
  readonly #fall = new MeterFall();
  /** 0: its size is not known yet. */
  #scale = 0;
  #wave: Box | undefined;
  #meter: Box = { left: 0, top: 0, width: 0, height: 0 };
  #fillStyle = "";
  #isFresh = true;
  #waveVersion = -1;
  #drawnMeter = "";
  #text = "";

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
  }

  /** Takes the canvas's size on the page, CSS px. */
  fit(widthPx: number, heightPx: number): void {
    this.#scale = devicePixelRatio;
    const width = Math.round(widthPx * this.#scale);
    const height = Math.round(heightPx * this.#scale);
    if (this.#canvas.width !== width) this.#canvas.width = width;
    if (this.#canvas.height !== height) this.#canvas.height = height;
    this.#context?.clearRect(0, 0, width, height);
    [this.#wave, this.#meter] = placeParts(width, height, this.#scale);
    this.recolour();
  }

  /** The colours of the page have changed. */
  recolour(): void {
    if (this.#scale === 0) return;
    const style = getComputedStyle(this.#canvas);
    this.#fillStyle = style.color;
    if (this.#context !== null) {
      this.#context.font = `${Number.parseFloat(style.fontSize) * this.#scale}px ${style.fontFamily}`;
      this.#context.textAlign = "right";
      this.#context.textBaseline = "middle";
    }
    this.#isFresh = true;
  }

  /** Draws what has changed. */
  paint(history: LevelHistory | undefined, nowMs: number): void {
    if (this.#context === null || this.#scale === 0 || this.#canvas.width === 0) return;
    const isHeard = history !== undefined && nowMs - history.heardMs < heardMs;
    this.#fall.take(isHeard ? history.peakDbfs : silenceDbfs, nowMs);
    history?.advance(nowMs);
    const colours = canvasColours();
    if (this.#wave !== undefined && (this.#isFresh || this.#waveVersion !== history?.version)) {
      paintWave(this.#context, this.#wave, history, this.#scale, colours);
      this.#waveVersion = history?.version ?? -1;
    }
    // Of the level that is held: it tells what the mark shows, and rests long enough to be read.
    this.#text = isHeard ? `${formatDb(this.#fall.holdDbfs)} dB` : "";
    this.#paintMeter(this.#context, colours);
    this.#isFresh = false;
  }

  #paintMeter(context: CanvasRenderingContext2D, colours: CanvasColours): void {
    const { left, top, width, height } = this.#meter;
    const filled = Math.round(levelShare(this.#fall.dbfs) * width);
    const held = Math.round(levelShare(this.#fall.holdDbfs) * width);
    const drawn = `${filled} ${held} ${this.#text}`;
    if (!this.#isFresh && drawn === this.#drawnMeter) return;
    this.#drawnMeter = drawn;
    context.clearRect(left, top - 8 * this.#scale, this.#canvas.width, height + 16 * this.#scale);
    context.fillStyle = colours.line;
    fillBar(context, left, top, width, height);
    context.fillStyle = this.#fillStyle;
    if (filled > 0) fillBar(context, left, top, Math.max(filled, height), height);
    if (held > filled + height) context.fillRect(left + held - 2 * this.#scale, top, 2 * this.#scale, height);
    context.fillStyle = colours.muted;
    context.fillText(this.#text, this.#canvas.width, top + height / 2 + this.#scale / 2);
  }
}

/** Where wave and meter stand on a canvas. */
function placeParts(width: number, height: number, scale: number): readonly [Box | undefined, Box] {
  const textWidth = sizes.textWidth * scale;
  const meterHeight = sizes.meterHeight * scale;
  const distance = sizes.distance * scale;
  const isStacked = height >= sizes.stackedHeight * scale;
  const lineTop = isStacked ? height - sizes.lineHeight * scale : 0;
  const top = Math.round((lineTop + height - meterHeight) / 2);
  const hasWaveBeside = !isStacked && height >= sizes.waveHeight * scale;
  const waveWidth = hasWaveBeside ? Math.round((width - textWidth - distance) * 0.62) : width;
  const left = hasWaveBeside ? waveWidth + distance : 0;
  const meter = { left, top, width: width - left - textWidth, height: meterHeight };
  if (!isStacked && !hasWaveBeside) return [undefined, meter];
  return [{ left: 0, top: 0, width: waveWidth, height: isStacked ? lineTop - 2 * scale : height }, meter];
}

function fillBar(context: CanvasRenderingContext2D, left: number, top: number, width: number, height: number): void {
  context.beginPath();
  context.roundRect(left, top, width, height, height / 2);
  context.fill();
}

/** Between amplitude, in which quiet sound is not seen, and dB, in which all sound looks alike. */
function waveShare(dbfs: number): number {
  return 10 ** (Math.min(0, dbfs) / 36);
}

function paintWave(
  context: CanvasRenderingContext2D,
  { left, top, width, height }: Box,
  history: LevelHistory | undefined,
  scale: number,
  colours: CanvasColours,
): void {
  context.clearRect(left, top, width, height);
  const step = width / historyLength;
  const barWidth = Math.max(1, step * barShare);
  const middle = height / 2;
  for (let index = 0; index < historyLength; index += 1) {
    const peak = history?.peakAt(index) ?? Number.NaN;
    const isKnown = !Number.isNaN(peak);
    const half = isKnown ? Math.max(scale, waveShare(peak) * (middle - scale)) : scale / 2;
    context.fillStyle = colourOf(history, index, colours);
    context.fillRect(left + index * step + (step - barWidth) / 2, top + middle - half, barWidth, half * 2);
  }
}

/** What needs a person first wins, as in the state of a device. */
function colourOf(history: LevelHistory | undefined, index: number, colours: CanvasColours): string {
  if (history?.hasClippedAt(index) === true) return colours.clipping;
  if (history?.hasGapAt(index) === true) return colours.gap;
  return Number.isNaN(history?.peakAt(index) ?? Number.NaN) ? colours.line : colours.wave;
}
