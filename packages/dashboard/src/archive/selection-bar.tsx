import { useRef, useState } from "preact/hooks";
import { mayOperate } from "../api/access.ts";
import { apiPath, describeError } from "../api/api-client.ts";
import { formatDuration } from "../format/format-time.ts";
import { CopyButton } from "../shell/code-block.tsx";
import { Icon } from "../shell/icon.tsx";
import type { ArchiveModel } from "./archive-model.ts";
import { describeSpan, describeUtc } from "./describe-span.ts";
import { DownloadLinks, rangeQuery } from "./download-links.tsx";
import { leaveOut } from "./span-parts.ts";
import { lengthOf, type TimeSpan } from "./time-view.ts";
import { UnpinButton } from "./unpin-button.tsx";

/** Of the view that a selection takes when it is zoomed to. */
const zoomedShare = 0.9;

/** Selects a range, also without dragging, and what can be done with it. */
export function SelectionBar({ model }: { readonly model: ArchiveModel }) {
  const selection = model.selection.value;
  return (
    <section class="selection-bar" aria-label="Selected range">
      <EdgeButtons model={model} />
      {selection === undefined ? <Hint model={model} /> : <Actions model={model} selection={selection} />}
    </section>
  );
}

/** Here: where it plays, or would begin to. */
function EdgeButtons({ model }: { readonly model: ArchiveModel }) {
  return (
    <div class="control-group">
      <button
        type="button"
        class="button"
        aria-label="Select from here"
        title="Select from where it plays, or was clicked ([)"
        onClick={() => model.selectTo("from")}
      >
        From here
      </button>
      <button
        type="button"
        class="button"
        aria-label="Select to here"
        title="Select to where it plays, or was clicked (])"
        onClick={() => model.selectTo("to")}
      >
        To here
      </button>
    </div>
  );
}

function Hint({ model }: { readonly model: ArchiveModel }) {
  return (
    <p class="muted">
      <span class="for-mouse">
        Click to play from there, drag to select; drag the time axis to move, turn the wheel to zoom.
      </span>
      <span class="for-touch">Tap to play from there, drag to move, spread two fingers to zoom.</span>{" "}
      <button
        type="button"
        class="link-button"
        onClick={() => {
          model.selection.value = model.view.peek();
        }}
      >
        Select what is in view
      </button>
    </p>
  );
}

interface ActionsProps {
  readonly model: ArchiveModel;
  readonly selection: TimeSpan;
}

function Actions({ model, selection }: ActionsProps) {
  const link = `${location.origin}${apiPath(`/devices/${model.hwid}/audio`, rangeQuery(model, selection))}`;
  return (
    <>
      <SelectedSpan selection={selection} />
      <DownloadLinks model={model} selection={selection} />
      <CopyButton text={link} label="Copy link to this range" word="Copy link" />
      <PinButtons key={`${selection.fromMs} ${selection.toMs}`} model={model} selection={selection} />
      <button
        type="button"
        class="button"
        onClick={() => model.show((selection.fromMs + selection.toMs) / 2, lengthOf(selection) / zoomedShare)}
      >
        Zoom to it
      </button>
      <button
        type="button"
        class="button is-quiet is-square"
        aria-label="Clear the selection"
        title="Clear (Esc)"
        onClick={() => {
          model.selection.value = undefined;
        }}
      >
        <Icon name="close" />
      </button>
    </>
  );
}

function SelectedSpan({ selection }: { readonly selection: TimeSpan }) {
  const lengthMs = lengthOf(selection);
  return (
    <p>
      <strong title={`${describeUtc(selection.fromMs, lengthMs)} to ${describeUtc(selection.toMs, lengthMs)}`}>
        {describeSpan(selection)}
      </strong>{" "}
      <span class="muted">{formatDuration(lengthMs)}</span>
    </p>
  );
}

/** What is told of a pin holds for one selection only: another one begins anew. */
function PinButtons({ model, selection }: ActionsProps) {
  const [note, setNote] = useState("");
  const { fromMs, toMs } = selection;
  const pins = model.pins.value.filter((pin) => pin.fromMs < toMs && pin.toMs > fromMs);
  const buttons = useRef<HTMLDivElement>(null);
  const attempt = async (act: () => Promise<void>, done: string) => {
    try {
      await act();
      setNote(done);
      // The button that did it may be gone.
      requestAnimationFrame(() => {
        if (document.activeElement === document.body) buttons.current?.querySelector("button")?.focus();
      });
    } catch (error) {
      setNote(describeError(error));
    }
  };
  if (!mayOperate.value) return null;
  return (
    <>
      <div class="control-group" ref={buttons}>
        {!isWholly(selection, pins) && (
          <button
            type="button"
            class="button"
            title="Retention leaves it alone"
            onClick={() => attempt(() => model.pin(selection), "Pinned: retention leaves it alone")}
          >
            <Icon name="pin" />
            Pin
          </button>
        )}
        {pins.length > 0 && (
          <UnpinButton
            count={pins.length}
            onYes={() => attempt(() => model.unpin(pins), "No longer pinned")}
            key={pins.map(({ id }) => id).join()}
          />
        )}
      </div>
      <p class="muted" role="status">
        {note}
      </p>
    </>
  );
}

/** Whether nothing of a selection is left to be pinned. Pins begin and end at whole milliseconds. */
function isWholly(selection: TimeSpan, pins: readonly TimeSpan[]): boolean {
  const ordered = [...pins].sort((one, other) => one.fromMs - other.fromMs);
  return [...leaveOut([selection], ordered)].every((part) => lengthOf(part) < 1);
}
