import { createSession, type Session, type SessionState } from "@eet/client";
import { signal } from "@preact/signals";
import { announceName } from "./device-name.ts";
import { LevelMeter } from "./level-meter.ts";
import { shownToken } from "./mic-token.ts";
import { choices } from "./microphone-choices.ts";
import { MicrophoneError, MicrophoneInput } from "./microphone-input.ts";
import { findObstacle, type MicrophoneProblem } from "./microphone-problem.ts";
import { RecordedPieces } from "./recorded-pieces.ts";
import { type LinkReport, type RecordedAmounts, RecordedSessions } from "./recorded-sessions.ts";
import { isRecordingHere } from "./recording-flag.ts";
import { describeFailure, type Failure } from "./refusal-words.ts";
import { WakeLock } from "./wake-lock.ts";

/** What is held when there is no connection: ten minutes of the largest format. */
export const window = { maxSeconds: 600, maxBytes: 64 * 2 ** 20 } as const;
const frameS = 0.02;
const tickMs = 250;
/** Kept for drawing: half a minute. */
const pieceCount = 750;

export type RecorderPhase = "off" | "opening" | "recording" | "delivering";

export const phase = signal<RecorderPhase>("off");
export const problem = signal<MicrophoneProblem | undefined>(
  findObstacle(
    isSecureContext,
    navigator.mediaDevices?.getUserMedia !== undefined,
    typeof AudioWorkletNode !== "undefined",
  ),
);
/** Why the last session ended before it was told to, in words. */
export const failure = signal<Failure | undefined>(undefined);
export const link = signal<LinkReport | undefined>(undefined);
export const amounts = signal<RecordedAmounts | undefined>(undefined);
/** The input that is recorded. */
export const input = signal<{ readonly label: string; readonly deviceRateHz: number } | undefined>(undefined);
export const isMuted = signal(false);
export const inputs = signal<readonly { readonly id: string; readonly label: string }[]>([]);
/** Of the sound as it is recorded. */
export const level = new LevelMeter();
export const pieces = new RecordedPieces(pieceCount);
export const wakeLock = new WakeLock();

/** One recording, from its start until all of it is delivered. */
class Recording {
  readonly hwid = choices.hwid.value;
  readonly #name = choices.name.value.trim();
  readonly #codec = choices.codec.value;
  readonly #rateHz = Number(choices.rateHz.value);
  readonly #token = shownToken.value;
  readonly #sessions = new RecordedSessions({
    rateHz: this.#rateHz,
    open: (startMs, onState) => this.#openSession(startMs, onState),
    onState: (state) => {
      this.tick();
      if (state.kind === "closed" && !this.#isOver && state.result.kind !== "complete") void stop();
    },
  });
  #input: MicrophoneInput | undefined;
  #isOver = false;
  readonly #ticking = setInterval(() => this.tick(), tickMs);

  async open(): Promise<void> {
    this.#input = await MicrophoneInput.open({
      deviceId: choices.deviceId.value,
      sampleRateHz: this.#rateHz,
      onSamples: (samples, endMs) => this.#take(samples, endMs),
      onUnplugged: () => {
        if (this.#isOver) return;
        problem.value = "unplugged";
        void stop();
      },
      onMuted: (isSilent) => {
        isMuted.value = isSilent;
      },
    });
    input.value = this.#input;
  }

  /** Ends capturing; resolves when all is delivered, or cannot be. */
  async finish(): Promise<void> {
    this.#isOver = true;
    this.#input?.close();
    const results = await this.#sessions.finish();
    clearInterval(this.#ticking);
    this.tick();
    const bad = results.find(({ kind }) => kind !== "complete");
    if (bad !== undefined) failure.value = describeFailure(bad, this.hwid, this.#token !== undefined);
  }

  /** Gives up what is not delivered. */
  abort(): void {
    this.#sessions.abort();
  }

  tick(): void {
    link.value = this.#sessions.report;
    amounts.value = this.#sessions.amounts ?? amounts.value;
    announceName(this.hwid, this.#name, amounts.value?.durableS ?? 0);
  }

  #take(samples: Float32Array, endMs: number): void {
    if (this.#isOver || samples.length === 0) return;
    level.note(samples, performance.now());
    const session = this.#sessions.sessionAt(endMs - (samples.length / this.#rateHz) * 1000);
    // Tied to the clocks, so that the server can tell how the input's own runs. [P-2.1]
    const captured = this.#sessions.note(samples.length, endMs, Date.now() - performance.now());
    void session.write(toInt16(samples), captured);
    const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
    pieces.add(peak, session, this.#sessions.sampleCount);
  }

  #openSession(startMs: number, onState: (state: SessionState) => void): Session {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    return createSession({
      url: `${scheme}://${location.host}/ws`,
      hwid: this.hwid,
      ...(this.#token !== undefined && { token: this.#token }),
      format: {
        codec: this.#codec,
        sampleRateHz: this.#rateHz,
        channels: 1,
        frameSampleCount: frameS * this.#rateHz,
      },
      startMs,
      window,
      whenFull: "drop-oldest",
      onState,
    });
  }
}

let recording: Recording | undefined;

/** Begins to record with what was chosen. To be called by a click: browsers ask for permission then. */
export async function start(): Promise<void> {
  if (phase.value !== "off") return;
  phase.value = "opening";
  problem.value = undefined;
  failure.value = undefined;
  amounts.value = undefined;
  isMuted.value = false;
  pieces.clear();
  const opening = new Recording();
  recording = opening;
  try {
    await opening.open();
    phase.value = "recording";
    isRecordingHere.value = true;
    void wakeLock.hold();
    addEventListener("beforeunload", warn);
  } catch (error) {
    problem.value = error instanceof MicrophoneError ? error.problem : "failed";
    await opening.finish();
    phase.value = "off";
  }
  // Names of inputs are told once permission was given.
  void listInputs();
}

/** Ends the recording and delivers what is left. */
export async function stop(): Promise<void> {
  if (phase.value !== "recording" || recording === undefined) return;
  phase.value = "delivering";
  isRecordingHere.value = false;
  wakeLock.release();
  await recording.finish();
  removeEventListener("beforeunload", warn);
  input.value = undefined;
  phase.value = "off";
}

/** Gives up what waits for a connection. */
export function discard(): void {
  recording?.abort();
}

/** Reads which inputs there are. */
export async function listInputs(): Promise<void> {
  const found = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  inputs.value = found
    .filter(({ kind, deviceId }) => kind === "audioinput" && deviceId !== "" && deviceId !== "default")
    .map(({ deviceId, label }, index) => ({ id: deviceId, label: label === "" ? `Input ${index + 1}` : label }));
}

/** Leaving would lose what only this page has. */
function warn(event: BeforeUnloadEvent): void {
  event.preventDefault();
}

function toInt16(samples: Float32Array): Int16Array {
  return Int16Array.from(samples, (sample) => Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_768))));
}
