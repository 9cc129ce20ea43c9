import type { LiveStream } from "@eet/server/api-types";
import { useEffect, useMemo } from "preact/hooks";
import { awaySinceMs } from "../shell/away.ts";
import { useHotkeys } from "../shell/hotkeys.ts";
import { Icon } from "../shell/icon.tsx";
import { Listener, type ListenState } from "./listener.ts";
import { VolumeControl } from "./volume-control.tsx";

const texts = {
  off: "Listen",
  starting: "Starting",
  playing: "Stop",
  waiting: "Stop",
} as const;
const notes = {
  off: "",
  starting: "a moment",
  playing: "",
  waiting: "waiting for sound",
} as const satisfies Readonly<Record<ListenState, string>>;

/** Why nothing can be heard, as far as this view knows. */
function whyNot(stream: LiveStream | null | undefined): string {
  if (stream === null) return "not connected: nothing is live";
  if (stream === undefined) return awaySinceMs.value === undefined ? "" : "the server cannot be reached";
  return stream.decodable ? "" : "what it sends cannot be decoded yet";
}

/** Plays the device live. */
export function ListenControls(props: {
  readonly hwid: string;
  /** `undefined`: the stream that began last. */
  readonly streamId: number | undefined;
  /** What is received; `null`: nothing. */
  readonly stream: LiveStream | null | undefined;
}) {
  const { hwid, streamId, stream } = props;
  const listener = useMemo(() => new Listener(), [hwid]);
  useEffect(() => () => listener.close(), [listener]);
  const state = listener.state.value;
  const isHeld = listener.isHeld.value;
  // Another stream is heard at once.
  useEffect(() => listener.choose(streamId), [listener, streamId]);
  const canBegin = stream?.decodable === true;
  const reason = state === "off" ? whyNot(stream) : "";
  const toggle = () => {
    if (isHeld) listener.resume();
    else if (state !== "off") listener.stop();
    else if (canBegin) listener.start(hwid, streamId, stream.sample_rate_hz);
  };
  useHotkeys({ l: toggle });
  return (
    <div class="listen-controls">
      <span id="listen-note" class="muted listen-note" role="status">
        {isHeld ? "the browser holds the sound back" : reason || notes[state]}
      </span>
      <VolumeControl />
      <button
        type="button"
        class="button is-primary listen-button"
        disabled={!canBegin && state === "off"}
        title={reason === "" ? "Listen (l)" : `Listen: ${reason}`}
        aria-describedby="listen-note"
        onClick={toggle}
      >
        <Icon name={state === "off" || isHeld ? "play" : "stop"} />
        {isHeld ? "Let it play" : texts[state]}
      </button>
    </div>
  );
}
