import type { RefObject } from "preact";
import type { DeviceLevels } from "../api/live-frames.ts";
import { levelShare } from "../fleet/meter-fall.ts";
import { formatDb } from "../format/format-amount.ts";

/** Level without which a meter shows nothing. */
const emptyDbfs = -120;
/** Height of the line of the peak that device.css draws, CSS px. */
const holdPx = 2;

/** A meter of each channel, moved by {@link showLevels}. */
export function LevelMeters(props: {
  readonly meters: RefObject<HTMLDivElement | null>;
  readonly channelCount: number;
}) {
  const { meters, channelCount } = props;
  return (
    <div class="level-meters" ref={meters}>
      {Array.from({ length: channelCount }, (_, channel) => (
        <Meter key={channel} channel={channel} channelCount={channelCount} />
      ))}
    </div>
  );
}

function Meter({ channel, channelCount }: { readonly channel: number; readonly channelCount: number }) {
  const name =
    channelCount === 1 ? "Level" : channelCount === 2 ? ["Left", "Right"][channel] : `Channel ${channel + 1}`;
  return (
    <div class="level-meter">
      <span class="level-track" aria-hidden="true">
        <span class="level-fill" />
        <span class="level-hold" hidden />
      </span>
      <output
        class="level-text"
        aria-label={`${name}, peak of the last two seconds, dB of full scale`}
        title="Peak of the last two seconds, dB of full scale"
        aria-live="off"
      >
        –
      </output>
      {channelCount > 1 && <span class="level-name">{channelCount === 2 ? name?.[0] : channel + 1}</span>}
    </div>
  );
}

/** Ten times a second, past the components. @param levels - `undefined`: nothing comes */
export function showLevels(meters: HTMLElement | null, levels: DeviceLevels | undefined): void {
  if (meters === null) return;
  for (const [channel, meter] of [...meters.children].entries()) {
    const level = levels?.channels[channel];
    const [fill, hold] = meter.querySelectorAll<HTMLElement>(".level-fill, .level-hold");
    const text = meter.querySelector(".level-text");
    const holdDbfs = level?.holdDbfs ?? emptyDbfs;
    if (fill !== undefined) fill.style.transform = `scaleY(${levelShare(level?.peakDbfs ?? emptyDbfs).toFixed(3)})`;
    const held = levelShare(holdDbfs);
    // By its own height less: at full scale the line stands below the upper edge, not behind it.
    if (hold !== undefined) {
      hold.style.transform = `translateY(calc(${(-100 * held).toFixed(1)}% + ${(holdPx * held).toFixed(2)}px))`;
      hold.hidden = held === 0;
    }
    meter.classList.toggle("is-hot", holdDbfs >= -0.1);
    if (text !== null) text.textContent = level === undefined ? "–" : formatDb(holdDbfs);
  }
}
