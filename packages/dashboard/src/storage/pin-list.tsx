import type { Pin } from "@eet/server/api-types";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { mayOperate } from "../api/access.ts";
import { deleteApi, describeError } from "../api/api-client.ts";
import { formatDuration, formatUtc } from "../format/format-time.ts";
import { Icon } from "../shell/icon.tsx";
import { Moment } from "../shell/time.tsx";
import { DeviceName } from "./device-name.tsx";
import "./pin-list.css";

/** What is seen around a pinned range in the archive, as a share of it. */
const marginShare = 0.15;

/** Pinned ranges, each to be heard and to be taken away. */
export function PinList(props: {
  readonly pins: readonly Pin[];
  /** Whether the device stands in each row. */
  readonly hasDevices: boolean;
  /** Told that one was taken away. */
  readonly onRemoved: () => void;
}) {
  return (
    <ul class="pin-list">
      {props.pins.map((pin) => (
        <PinRow key={pin.id} pin={pin} hasDevice={props.hasDevices} onRemoved={props.onRemoved} />
      ))}
    </ul>
  );
}

function PinRow(props: { readonly pin: Pin; readonly hasDevice: boolean; readonly onRemoved: () => void }) {
  const { pin, hasDevice, onRemoved } = props;
  const row = useRef<HTMLLIElement>(null);
  const removal = useRef<HTMLButtonElement>(null);
  const [isAsking, setAsking] = useState(false);
  const wasAsking = useRef(false);
  // Whoever keeps it stands where they were.
  useLayoutEffect(() => {
    if (wasAsking.current && !isAsking) removal.current?.focus();
    wasAsking.current = isAsking;
  }, [isAsking]);
  const [failure, setFailure] = useState("");
  const fromMs = Date.parse(pin.from);
  const toMs = Date.parse(pin.to);
  const remove = async () => {
    try {
      await deleteApi(`/pins/${pin.id}`);
      // The row goes, and what is focused in it.
      focusBox(row.current?.closest<HTMLElement>("section"));
      onRemoved();
    } catch (error) {
      setFailure(describeError(error));
      setAsking(false);
    }
  };
  return (
    <li ref={row}>
      <div class="pin-text">
        <p>
          {hasDevice && (
            <span class="pin-device">
              <DeviceName hwid={pin.hwid} />
            </span>
          )}
          <span class="pin-range">
            <a href={archivePath(pin)} title={`${formatUtc(fromMs)} to ${formatUtc(toMs)}`}>
              <Moment timeMs={fromMs} />
            </a>{" "}
            <span class="muted">{formatDuration(toMs - fromMs)}</span>
          </span>
        </p>
        {pin.note !== "" && <p class="pin-note">{pin.note}</p>}
        <p class="is-wrong" role="status">
          {failure}
        </p>
      </div>
      {isAsking && <Question onYes={remove} onNo={() => setAsking(false)} />}
      {!isAsking && mayOperate.value && (
        <button
          ref={removal}
          type="button"
          class="button is-quiet"
          aria-label={`Remove the pin of ${pin.from}`}
          onClick={() => {
            setFailure("");
            setAsking(true);
          }}
        >
          <Icon name="close" size={16} />
          Remove
        </button>
      )}
    </li>
  );
}

function focusBox(box: HTMLElement | null | undefined): void {
  if (box === null || box === undefined) return;
  box.tabIndex = -1;
  box.focus();
}

/** Retention may delete what is no longer pinned: it is asked first. */
function Question({ onYes, onNo }: { readonly onYes: () => void; readonly onNo: () => void }) {
  const keep = useRef<HTMLButtonElement>(null);
  // Before the next key comes: it may be Escape.
  useLayoutEffect(() => keep.current?.focus(), []);
  return (
    <fieldset
      class="pin-question"
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        event.stopPropagation();
        onNo();
      }}
    >
      <legend class="visually-hidden">Retention may then take it. Remove the pin?</legend>
      <button type="button" class="button is-danger" onClick={onYes}>
        Remove the pin
      </button>
      <button ref={keep} type="button" class="button" onClick={onNo}>
        Keep
      </button>
    </fieldset>
  );
}

function archivePath({ hwid, from, to }: Pin): string {
  const fromMs = Date.parse(from);
  const toMs = Date.parse(to);
  const marginMs = Math.max(1_000, (toMs - fromMs) * marginShare);
  return `/device/${hwid ?? "~"}/archive?from=${Math.round(fromMs - marginMs)}&to=${Math.round(toMs + marginMs)}`;
}
