import { computed, type ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { nowMs } from "../api/page-live.ts";
import { formatAge, formatMoment, formatUtc } from "../format/format-time.ts";

/** A moment in the viewer's zone; hovering tells it in UTC. */
export function Moment({ timeMs }: { readonly timeMs: number }) {
  return <Time timeMs={timeMs} format={formatMoment} />;
}

/** How long ago a moment was. @param props.atMs - counted up to then, where nothing is known of later */
export function Since(props: { readonly timeMs: number; readonly atMs?: number | undefined }) {
  return <Time timeMs={props.timeMs} atMs={props.atMs} format={formatSince} />;
}

interface TimeProps {
  readonly timeMs: number;
  /** Default: now. */
  readonly atMs?: number | undefined;
  readonly format: (timeMs: number, nowMs: number) => string;
}

/** The text alone follows the clock, and only when it reads otherwise: a page can hold hundreds of them. */
function Time({ timeMs, atMs, format }: TimeProps) {
  const text: ReadonlySignal<string> = useMemo(
    () => computed(() => format(timeMs, atMs ?? nowMs.value)),
    [timeMs, atMs, format],
  );
  return (
    <time dateTime={new Date(timeMs).toISOString()} title={formatUtc(timeMs)}>
      {text}
    </time>
  );
}

function formatSince(timeMs: number, atMs: number): string {
  return formatAge(atMs - timeMs);
}
