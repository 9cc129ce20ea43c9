import { useEffect, useRef } from "preact/hooks";
import { formatDb } from "../format/format-amount.ts";
import { shareOfScale } from "./level-meter.ts";
import { level } from "./microphone-recorder.ts";

const marks = [-48, -36, -24, -12, -6, 0] as const;
const clipMs = 1_500;
/** Width of the line of the peak that mic.css draws, CSS px. */
const holdPx = 2;
/** Numbers that change faster cannot be read. */
const textMs = 200;

/** Level of the microphone: power as a bar, the peak as a line that is held, a word when it clips. */
export function LevelBar({ isMoving }: { readonly isMoving: boolean }) {
  const bar = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const { current: element } = bar;
    if (element === null) return;
    const [fill, hold, text] = [".mic-fill", ".mic-hold", ".mic-peak"].map((name) =>
      element.querySelector<HTMLElement>(name),
    );
    let frame = 0;
    let textAtMs = 0;
    const draw = (nowMs: number) => {
      const shown = isMoving ? level : silent;
      if (fill) fill.style.transform = `scaleX(${shareOfScale(shown.rmsDb)})`;
      const held = shareOfScale(shown.peakDb);
      // By its own width less: at full scale the line stands before the end of the bar, not behind it.
      if (hold) {
        hold.style.transform = `translateX(calc(${(held * 100).toFixed(2)}% - ${(held * holdPx).toFixed(2)}px))`;
        hold.hidden = held === 0;
      }
      element.classList.toggle("is-hot", nowMs - shown.clippedAtMs < clipMs);
      if (text && nowMs - textAtMs > textMs) {
        textAtMs = nowMs;
        text.textContent = isMoving ? `${formatDb(Math.min(0, shown.peakDb))} dB` : "–";
      }
      if (isMoving) frame = requestAnimationFrame(draw);
    };
    draw(performance.now());
    return () => cancelAnimationFrame(frame);
  }, [isMoving]);
  return (
    <div ref={bar} class="mic-level">
      <div class="mic-scale" aria-hidden="true">
        {marks.map((db) => (
          <span key={db} style={{ left: `${shareOfScale(db) * 100}%` }}>
            {db === 0 ? "0" : `−${-db}`}
          </span>
        ))}
      </div>
      <div class="mic-track">
        <div class="mic-fill" />
        <div class="mic-hold" hidden />
      </div>
      <p class="mic-level-words">
        <span class="muted">
          Peak <span class="mic-peak">–</span>
        </span>
        <span class="mic-clip">too loud: it clips</span>
      </p>
    </div>
  );
}

const silent = {
  rmsDb: Number.NEGATIVE_INFINITY,
  peakDb: Number.NEGATIVE_INFINITY,
  clippedAtMs: Number.NEGATIVE_INFINITY,
};
