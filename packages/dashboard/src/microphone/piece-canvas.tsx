import { useEffect, useRef } from "preact/hooks";
import { canvasColours, onThemeChange } from "../shell/theme.ts";
import { pieces } from "./microphone-recorder.ts";

const barPx = 3;
const gapPx = 1;
/** Of a piece. */
const pieceS = 0.04;
const shownS = 20;

/** What was heard in the last seconds, in the colour of where it has got to. */
export function PieceCanvas({ isMoving }: { readonly isMoving: boolean }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    let frame = 0;
    const draw = () => {
      if (canvas.current !== null) drawPieces(canvas.current);
      if (isMoving) frame = requestAnimationFrame(draw);
    };
    draw();
    // What rests is drawn anew where its colours or its size have changed.
    const redraw = () => canvas.current !== null && !isMoving && drawPieces(canvas.current);
    const stopTheme = onThemeChange(redraw);
    addEventListener("resize", redraw);
    return () => {
      cancelAnimationFrame(frame);
      stopTheme();
      removeEventListener("resize", redraw);
    };
  }, [isMoving]);
  return <canvas ref={canvas} class="mic-pieces" role="img" aria-label="Sound of the last seconds" />;
}

function drawPieces(canvas: HTMLCanvasElement): void {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = devicePixelRatio;
  if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
  if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  if (context === null) return;
  const { wave, muted, gap, line } = canvasColours();
  const colours = { durable: wave, sent: muted, held: gap };
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  context.fillStyle = line;
  context.fillRect(0, height / 2 - 0.5, width, 1);
  const barCount = Math.floor(width / (barPx + gapPx));
  const groups = pieces.groups(barCount, Math.max(1, Math.round(shownS / pieceS / barCount)));
  for (const [index, { peak, state }] of groups.entries()) {
    const x = width - (groups.length - index) * (barPx + gapPx);
    const barHeight = Math.max(2, Math.sqrt(Math.min(1, peak)) * (height - 4));
    context.fillStyle = colours[state];
    context.beginPath();
    context.roundRect(x, (height - barHeight) / 2, barPx, barHeight, 1);
    context.fill();
  }
}
