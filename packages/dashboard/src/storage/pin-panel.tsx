import { describeError } from "../api/api-client.ts";
import { formatCount } from "../format/format-amount.ts";
import { PinList } from "./pin-list.tsx";
import { pins, readPins, readPreview } from "./storage-store.ts";

/** Ranges of all devices that stay whatever retention says. */
export function PinPanel() {
  const { value, failure } = pins.value;
  return (
    <section class="panel storage-panel" aria-labelledby="pins-title">
      <header class="storage-head">
        <h2 id="pins-title">Pinned ranges</h2>
        {value !== undefined && value.length > 0 && (
          <span class="muted storage-small">{formatCount(value.length, "range")}</span>
        )}
      </header>
      {value === undefined && failure !== undefined && <p class="muted">{describeError(failure)}</p>}
      {value?.length === 0 && (
        <p class="muted">
          Nothing is pinned. In the archive of a device, drag over what is worth keeping, or choose “Select what is in
          view”, then Pin: no quota takes it then.
        </p>
      )}
      {value !== undefined && value.length > 0 && (
        <PinList
          pins={value}
          hasDevices
          onRemoved={() => {
            void readPins();
            void readPreview();
          }}
        />
      )}
    </section>
  );
}
