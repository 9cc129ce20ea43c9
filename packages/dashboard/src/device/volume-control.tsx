import { useHotkeys } from "../shell/hotkeys.ts";
import { Icon } from "../shell/icon.tsx";
import { isMuted, setVolume, volume } from "./volume.ts";

/** How loud the page plays. */
export function VolumeControl() {
  const mute = () => {
    isMuted.value = !isMuted.value;
  };
  useHotkeys({ m: mute });
  return (
    <div class="volume-control">
      <button
        type="button"
        class="button is-quiet is-square"
        aria-pressed={isMuted.value}
        aria-label="Mute"
        title="Mute (m)"
        onClick={mute}
      >
        <Icon name={isMuted.value ? "mute" : "volume"} />
      </button>
      <input
        class="volume"
        type="range"
        min="0"
        max="100"
        step="10"
        aria-label="Volume"
        value={isMuted.value ? 0 : volume.value}
        onInput={(event) => setVolume(Number(event.currentTarget.value))}
      />
    </div>
  );
}
