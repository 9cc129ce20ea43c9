import type { Signal } from "@preact/signals";
import { describeHwidFault } from "./hwid.ts";

/** Asks for the id of a device. @param props.id - of the field, one in the page */
export function HwidField({ id, hwid }: { readonly id: string; readonly hwid: Signal<string> }) {
  const fault = describeHwidFault(hwid.value);
  return (
    <div>
      <label class="field-label" for={id}>
        Id of the device
      </label>
      <input
        id={id}
        class="field hwid-field mono"
        value={hwid.value}
        maxLength={64}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        aria-invalid={fault !== undefined}
        aria-describedby={`${id}-rule`}
        onInput={(event) => {
          hwid.value = event.currentTarget.value;
        }}
      />
      <p id={`${id}-rule`} class={`small ${fault === undefined ? "muted" : "is-wrong"}`}>
        {fault ?? "1 to 64 letters, digits, “-” and “_”"}
      </p>
    </div>
  );
}
