import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../shell/icon.tsx";
import type { ArchiveModel } from "./archive-model.ts";

/** Whether a time is being asked for. */
export const isAsking = signal(false);

/** Asks for a moment and shows it. */
export function GoToTime({ model }: { readonly model: ArchiveModel }) {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(
    () => () => {
      isAsking.value = false;
    },
    [],
  );
  const close = () => {
    isAsking.value = false;
    button.current?.focus();
  };
  return (
    <div class="go-to">
      <button
        ref={button}
        type="button"
        class="button"
        title="Go to a time (g)"
        aria-expanded={isAsking.value}
        onClick={() => {
          isAsking.value = !isAsking.value;
        }}
      >
        <Icon name="clock" />
        Go to
      </button>
      {isAsking.value && <Question model={model} onClose={close} />}
    </div>
  );
}

function Question({ model, onClose }: { readonly model: ArchiveModel; onClose(): void }) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const { fromMs, toMs } = model.view.peek();
  return (
    <form
      class="go-to-form"
      onSubmit={(event) => {
        event.preventDefault();
        const timeMs = new Date(field.current?.value ?? "").getTime();
        if (!Number.isFinite(timeMs)) return;
        model.goTo(timeMs);
        onClose();
      }}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        event.stopPropagation();
        onClose();
      }}
    >
      <label>
        <span class="field-label">Time ({Intl.DateTimeFormat().resolvedOptions().timeZone})</span>
        <input
          ref={field}
          class="field"
          type="datetime-local"
          step="1"
          required
          value={formatLocal(model.player.positionMs ?? model.cursorMs.peek() ?? (fromMs + toMs) / 2)}
        />
      </label>
      <button type="submit" class="button is-primary">
        Go
      </button>
    </form>
  );
}

/** As a field for local times takes it, such as `2026-11-22T14:03:12`. */
export function formatLocal(timeMs: number): string {
  const offsetMs = new Date(timeMs).getTimezoneOffset() * 60_000;
  return new Date(timeMs - offsetMs).toISOString().slice(0, 19);
}
