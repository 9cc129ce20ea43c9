import { timeTicks } from "../archive/time-view.ts";
import { canvasColours } from "../shell/theme.ts";

/** Room for the labels of frequencies, on the right, and of times, below. CSS px. */
export const frequencyAxisPx = 52;
export const timeAxisPx = 22;
const tickDistancePx = 110;
const font = "11px system-ui, sans-serif";

/** Round frequencies up to half of the rate. */
export function frequencyTicks(highestHz: number): readonly { readonly hz: number; readonly label: string }[] {
  const stepHz = [500, 1_000, 2_000, 4_000, 8_000, 16_000].find((step) => highestHz / step <= 6) ?? 32_000;
  const count = Math.max(0, Math.ceil(highestHz / stepHz) - 1);
  return Array.from({ length: count }, (_, index) => {
    const hz = (index + 1) * stepHz;
    return { hz, label: hz >= 1_000 ? `${hz / 1000} kHz` : `${hz} Hz` };
  });
}

/** Labels on the right of a spectrum that begins at the top. */
export function drawFrequencyAxis(
  context: CanvasRenderingContext2D,
  { width, height, highestHz }: { readonly width: number; readonly height: number; readonly highestHz: number },
): void {
  const { muted, line } = canvasColours();
  context.font = font;
  context.textBaseline = "middle";
  context.textAlign = "left";
  for (const { hz, label } of frequencyTicks(highestHz)) {
    const top = height * (1 - hz / highestHz);
    context.fillStyle = line;
    context.fillRect(width - frequencyAxisPx, top, 5, 1);
    context.fillStyle = muted;
    context.fillText(label, width - frequencyAxisPx + 9, top);
  }
}

/** Times below a picture. */
export function drawTimeAxis(
  context: CanvasRenderingContext2D,
  {
    span,
    width,
    top,
  }: {
    readonly span: { readonly fromMs: number; readonly toMs: number };
    readonly width: number;
    readonly top: number;
  },
): void {
  const { muted, line } = canvasColours();
  context.font = font;
  context.textBaseline = "middle";
  context.textAlign = "left";
  const pxPerMs = width / (span.toMs - span.fromMs);
  for (const { timeMs, label } of timeTicks(span, Math.max(2, Math.floor(width / tickDistancePx)))) {
    const left = (timeMs - span.fromMs) * pxPerMs;
    context.fillStyle = line;
    context.fillRect(left, top, 1, 6);
    // A label that does not fit would be cut.
    if (left + context.measureText(label).width + 6 > width) continue;
    context.fillStyle = muted;
    context.fillText(label, left + 5, top + timeAxisPx / 2 + 2);
  }
}
