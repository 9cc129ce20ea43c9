import { computed } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { nowMs } from "../api/page-live.ts";
import { formatRate } from "../format/format-amount.ts";
import { CodeBlock } from "../shell/code-block.tsx";
import { useHotkeys } from "../shell/hotkeys.ts";
import { isHwid } from "../shell/hwid.ts";
import { Icon } from "../shell/icon.tsx";
import { LevelBar } from "./level-bar.tsx";
import { describeLink } from "./link-words.ts";
import { MicAmounts } from "./mic-amounts.tsx";
import { MicChoices } from "./mic-choices.tsx";
import "./mic.css";
import { shownToken } from "./mic-token.ts";
import { choices } from "./microphone-choices.ts";
import { type MicrophoneProblem, problemTexts } from "./microphone-problem.ts";
import {
  amounts,
  discard,
  failure,
  window as holdWindow,
  input,
  isMuted,
  link,
  listInputs,
  phase,
  problem,
  start,
  stop,
  wakeLock,
} from "./microphone-recorder.ts";
import { PieceCanvas } from "./piece-canvas.tsx";

/** This browser as a device. */
export function MicView() {
  useEffect(() => {
    document.title = "Microphone · EET";
    void listInputs();
    const devices = navigator.mediaDevices;
    devices?.addEventListener?.("devicechange", listInputs);
    return () => devices?.removeEventListener?.("devicechange", listInputs);
  }, []);
  useHotkeys({ r: () => toggle() });
  const blocked = problem.value === "insecure" || problem.value === "unsupported";
  return (
    <div class="mic-view">
      <div class="mic-head">
        <h1>Microphone</h1>
        <p class="muted">This browser as a device. Nothing is captured before you start.</p>
      </div>
      {problem.value !== undefined && <ProblemNote problem={problem.value} />}
      {failure.value !== undefined && phase.value === "off" && (
        <section class="panel mic-problem" role="alert">
          <h2>Not all of it was delivered</h2>
          <p>{failure.value.text}</p>
          {failure.value.needsLogin && (
            <p>
              <a class="button" href="/login#next=/mic" target="_self">
                Log in
              </a>
            </p>
          )}
        </section>
      )}
      {!blocked && (
        <div class="mic-columns">
          <RecorderPanel />
          <MicChoices isLocked={phase.value !== "off"} />
        </div>
      )}
    </div>
  );
}

function toggle(): void {
  if (phase.value === "recording") void stop();
  else if (phase.value === "off" && mayStart.value) void start();
}

const mayStart = computed(() => isHwid(choices.hwid.value) && shownToken.value !== "");

function RecorderPanel() {
  const isRecording = phase.value === "recording";
  const { tone, text } = describeLink(
    link.value,
    amounts.value?.heldS ?? 0,
    holdWindow.maxSeconds,
    Math.max(nowMs.value, Date.now()),
  );
  return (
    <section class="panel mic-panel" aria-label="Recording">
      <div class="mic-top">
        <StartButton />
        <div class="mic-words">
          <p class="mic-phase">{phaseWords()}</p>
          <p class={`mic-link is-${tone}`} role="status">
            <span class="mic-dot" aria-hidden="true" />
            {phase.value === "opening" ? "The browser may ask for permission" : text}
          </p>
        </div>
        {phase.value === "delivering" && (
          <button type="button" class="button" onClick={discard}>
            Give up what is left
          </button>
        )}
      </div>
      <PieceCanvas isMoving={phase.value === "recording" || phase.value === "delivering"} />
      <LevelBar isMoving={isRecording} />
      <MicAmounts amounts={amounts.value} />
      <Notes />
    </section>
  );
}

function phaseWords(): ComponentChildren {
  switch (phase.value) {
    case "opening":
      return "Opening the microphone";
    case "recording":
      return `Recording as ${choices.hwid.value}`;
    case "delivering":
      return "Stopped";
    default:
      if (problem.value !== undefined) return problemTexts[problem.value].short;
      if (amounts.value !== undefined) return "Stopped";
      return shownToken.value === "" ? <TokenWish /> : "Ready";
  }
}

/** On a phone the field stands far below. */
function TokenWish() {
  return (
    <button type="button" class="link-button mic-wish" onClick={() => document.getElementById("mic-token")?.focus()}>
      Enter the token first
    </button>
  );
}

function StartButton() {
  const isRecording = phase.value === "recording";
  const isBusy = phase.value === "opening" || phase.value === "delivering";
  return (
    <button
      type="button"
      class={`mic-button ${isRecording ? "is-recording" : ""}`}
      disabled={isBusy || !(isRecording || mayStart.value)}
      title={isRecording ? "Stop (r)" : "Start (r)"}
      onClick={toggle}
    >
      <Icon name={isRecording ? "stop" : "mic"} size={30} />
      <span>{isRecording ? "Stop" : "Start"}</span>
    </button>
  );
}

/** What is worth knowing of the recording that runs, or has run. */
function Notes() {
  const { hwid, rateHz } = choices;
  const opened = input.value;
  const isActive = phase.value !== "off";
  const isResampled = opened !== undefined && opened.deviceRateHz !== Number(rateHz.value);
  return (
    <ul class="mic-notes muted">
      {isMuted.value && isActive && (
        <li class="is-warning">The input is muted by the system or by a key of the headset: it gives silence.</li>
      )}
      {opened !== undefined && (
        <li>
          {opened.label}, {formatRate(opened.deviceRateHz)}
          {isResampled && ` resampled to ${formatRate(Number(rateHz.value))}`}
        </li>
      )}
      {wakeLock.isHeld.value && <li>The screen stays on meanwhile.</li>}
      {isActive && <li>Other views of this page may be looked at; closing it ends the recording.</li>}
      {(amounts.value?.durableS ?? 0) > 0 && (
        <li>
          <a href={`/device/${hwid.value}`}>See {hwid.value} live</a>,{" "}
          <a href={`/device/${hwid.value}/archive`}>its archive</a>
        </li>
      )}
    </ul>
  );
}

function ProblemNote({ problem }: { readonly problem: MicrophoneProblem }) {
  const { title, what, steps } = problemTexts[problem];
  const port = location.port === "" ? "80" : location.port;
  return (
    <section class="panel mic-problem" role="alert">
      <h2>{title}</h2>
      <p>{what}</p>
      <ul>
        {steps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ul>
      {problem === "insecure" && (
        <>
          <CodeBlock
            label="Command that brings the server's port to this machine"
            text={`ssh -N -L ${port}:localhost:${port} you@${location.hostname}`}
          />
          <p class="muted">
            Then open <code>{`http://localhost:${port}/mic`}</code>
          </p>
        </>
      )}
    </section>
  );
}
