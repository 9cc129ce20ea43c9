import { awaySinceMs } from "../shell/away.ts";
import type { DeviceState } from "./device-state.ts";

/** A state, something else that is worth a look, or that nothing is known. */
export type ShapeName = DeviceState | "notice" | "unknown";

/** Each state has a shape besides its colour. */
const shapes = {
  live: <circle cx="6" cy="6" r="4.5" fill="currentColor" />,
  silent: <circle cx="6" cy="6" r="3.9" fill="none" stroke="currentColor" stroke-width="1.8" />,
  clipping: <path d="M6 .8 11.4 10.8H.6z" fill="currentColor" />,
  gap: <path d="M.5 4.2h4v3.6h-4zM7.5 4.2h4v3.6h-4z" fill="currentColor" />,
  offline: (
    <path
      d="M6 2.1a3.9 3.9 0 1 1 0 7.8 3.9 3.9 0 0 1 0-7.8M2.2 9.8 9.8 2.2"
      fill="none"
      stroke="currentColor"
      stroke-width="1.6"
    />
  ),
  notice: <path d="M6 .8 11.2 6 6 11.2.8 6z" fill="none" stroke="currentColor" stroke-width="1.6" />,
  unknown: (
    <circle cx="6" cy="6" r="3.9" fill="none" stroke="currentColor" stroke-width="1.6" stroke-dasharray="2 2.1" />
  ),
} as const;

/** The shape of a state in its colour. */
export function StateShape({ state }: { readonly state: ShapeName }) {
  return (
    <svg class={`state-shape is-${state}`} width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
      {shapes[state]}
    </svg>
  );
}

/** Shape and word of a device's state; without the server it is not known. */
export function StateBadge({ state }: { readonly state: DeviceState }) {
  const shown = awaySinceMs.value === undefined ? state : "unknown";
  return (
    <span class={`state-badge is-${shown}`}>
      <StateShape state={shown} />
      {shown === "unknown" ? "not known" : shown}
    </span>
  );
}
