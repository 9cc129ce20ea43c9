import type { Signal } from "@preact/signals";

/** A choice of few, side by side. */
export function Segments<Value extends string>(props: {
  readonly label: string;
  readonly choice: Signal<Value>;
  readonly options: readonly { readonly value: Value; readonly label: string }[];
}) {
  const { label, choice, options } = props;
  return (
    <fieldset class="segments">
      <legend class="field-label">{label}</legend>
      <div class="segmented">
        {options.map((option) => (
          <button
            key={option.value}
            type="button"
            aria-pressed={choice.value === option.value}
            onClick={() => {
              choice.value = option.value;
            }}
          >
            {option.label}
          </button>
        ))}
      </div>
    </fieldset>
  );
}
