import { VolumeControl } from "../device/volume-control.tsx";
import { Icon, type IconName } from "../shell/icon.tsx";
import type { ArchiveModel } from "./archive-model.ts";
import { GoToTime } from "./go-to-time.tsx";
import { isAsLongAs, viewUnits } from "./time-view.ts";

/** Of keys and buttons: what is shown becomes so many times as long. */
export const zoomStep = 0.5;
/** Of keys and buttons: what is shown moves by so much of its length. */
export const panStep = 0.2;

/** What is played and how much is shown. @param lastMs - when the device was heard last */
export function ArchiveControls({ model, lastMs }: { readonly model: ArchiveModel; readonly lastMs: number }) {
  return (
    <div class="archive-controls">
      <div class="control-group">
        <PlayButton model={model} />
        <VolumeControl />
      </div>
      <fieldset class="segmented length-choice">
        <legend class="visually-hidden">How much is shown</legend>
        {viewUnits.map((unit) => (
          <button
            key={unit}
            type="button"
            aria-pressed={isAsLongAs(model.view.value, unit)}
            onClick={() => model.showUnit(unit)}
          >
            {unit[0]?.toUpperCase()}
            {unit.slice(1)}
          </button>
        ))}
      </fieldset>
      <div class="control-group">
        <SquareButton icon="left" label="Earlier" keys="arrow left" onClick={() => model.pan(-panStep)} />
        <SquareButton icon="right" label="Later" keys="arrow right" onClick={() => model.pan(panStep)} />
        <SquareButton icon="minus" label="Zoom out" keys="-" onClick={() => model.zoom(1 / zoomStep)} />
        <SquareButton icon="plus" label="Zoom in" keys="+" onClick={() => model.zoom(zoomStep)} />
        <GoToTime model={model} />
        <button
          type="button"
          class="button"
          title="The end of what is recorded"
          onClick={() => void model.showLatest(lastMs)}
        >
          Latest
        </button>
      </div>
    </div>
  );
}

function PlayButton({ model }: { readonly model: ArchiveModel }) {
  const { hasRecordings } = model;
  const isHeard = model.player.isPlaying.value && !model.player.isHeld.value;
  return (
    <button
      type="button"
      class="button is-primary play-button"
      title={hasRecordings.value ? "Play, pause (space)" : "Nothing is recorded yet"}
      disabled={!hasRecordings.value}
      onClick={() => model.toggle()}
    >
      <Icon name={isHeard ? "pause" : "play"} />
      {isHeard ? "Pause" : "Play"}
    </button>
  );
}

function SquareButton(props: {
  readonly icon: IconName;
  readonly label: string;
  readonly keys: string;
  readonly onClick: () => void;
}) {
  const { icon, label, keys, onClick } = props;
  return (
    <button type="button" class="button is-square" aria-label={label} title={`${label} (${keys})`} onClick={onClick}>
      <Icon name={icon} />
    </button>
  );
}
