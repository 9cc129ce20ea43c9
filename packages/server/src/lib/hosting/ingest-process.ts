import type { Socket } from "node:net";
import { systemClock } from "../kernel/clock.ts";
import type { ServerError } from "../kernel/errors.ts";
import { toError } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import { fromPlainError, toPlainError } from "../kernel/plain-error.ts";
import { ProcessMonitor } from "../kernel/process-monitor.ts";
import type { DeviceProfile } from "../kernel/segment-record.ts";
import type { EndedSession } from "../recording/deliveries.ts";
import { openWorkerLock } from "../storage/data-lock-store.ts";
import type { IngestSurroundings } from "./ingest-host.ts";
import type { EndingStep, FromWorker, ToWorker, WorkerStart } from "./ingest-messages.ts";
import { IngestSide } from "./ingest-side.ts";
import { ShownFrames } from "./shown-frames.ts";
import { attachUpgrade } from "./ws-hand-over.ts";

const reportIntervalMs = 1_000;

/** The way to the serving side. */
export interface ServingPort {
  /** @param onSent - called when the message is off */
  send(message: FromWorker, onSent?: () => void): void;
  /** Ends the process. */
  exit(code: number): void;
}

/** One worker process: an {@link IngestSide} whose serving side is told and asked by messages. */
export class IngestProcess {
  readonly #port: ServingPort;
  readonly #profiles = new Map<string | null, DeviceProfile>();
  readonly #questions = new Map<number, PromiseWithResolvers<EndedSession | undefined>>();
  readonly #shown: ShownFrames;
  readonly #monitor = new ProcessMonitor();
  #lastQuestionId = 0;
  #side: IngestSide | undefined;
  #reportTimer: NodeJS.Timeout | undefined;

  constructor(port: ServingPort) {
    this.#port = port;
    this.#shown = new ShownFrames((frames, onSent) => port.send({ type: "frames", frames }, onSent));
  }

  /** Does what the serving side says. @param socket - goes with `take`; `undefined`: it is gone already */
  obey(message: ToWorker, socket: Socket | undefined): void {
    if (message.type === "start") void this.#start(message.start);
    else if (this.#side !== undefined) this.#obey(message, this.#side, socket);
  }

  async #start({ dataPath, place, runId, options }: WorkerStart): Promise<void> {
    try {
      // Held until the process ends, in whatever way.
      openWorkerLock(dataPath, place);
      const run = { runId, clock: systemClock };
      this.#side = await IngestSide.open(options, run, this.#surroundings());
    } catch (thrown) {
      this.#port.send({ type: "not-ready", error: toPlainError(toError(thrown)) }, () => this.#port.exit(1));
      return;
    }
    this.#reportTimer = setInterval(() => this.#report(), reportIntervalMs);
    this.#port.send({ type: "ready" });
    this.#report();
  }

  #surroundings(): IngestSurroundings {
    const port = this.#port;
    const write =
      (level: "debug" | "info" | "warn" | "error"): Log["info"] =>
      (fields, message) =>
        port.send({ type: "log", level, fields, message });
    return {
      log: { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") },
      tally: { note: (code) => port.send({ type: "limit", code }) },
      onRecording: (event) => {
        this.#shown.flush();
        port.send({ type: "recording", event });
      },
      onConnection: (event) => port.send({ type: "connection", event }),
      findEnded: (session) => this.#findEnded(session),
      profileOf: (hwid) => this.#profiles.get(hwid) ?? {},
    };
  }

  #findEnded(session: string): Promise<EndedSession | undefined> {
    this.#lastQuestionId += 1;
    const questionId = this.#lastQuestionId;
    const question = Promise.withResolvers<EndedSession | undefined>();
    this.#questions.set(questionId, question);
    this.#port.send({ type: "find-ended", questionId, session });
    return question.promise;
  }

  #obey(message: Exclude<ToWorker, { type: "start" }>, side: IngestSide, socket: Socket | undefined): void {
    switch (message.type) {
      case "take":
        this.#take(message, side, socket);
        break;
      case "expel":
        side.expel(message.connectionId, fromPlainError(message.error) as ServerError);
        break;
      case "change":
        side.change(message.limits);
        break;
      case "uploaded":
        side.noteUploaded(message.session, message.nextSeq);
        break;
      case "tap":
        side.tap(message.hwid, message.isOn ? this.#shown.tapOf(message.hwid) : undefined);
        break;
      case "learn":
        this.#learn(message.hwid, message.profile);
        break;
      case "close-segment":
        side.closeLogged(message.logNumber);
        break;
      case "fail-all":
        side.failAll(fromPlainError(message.error) as ServerError);
        break;
      case "found":
        this.#answered(message.questionId)?.resolve(message.ended);
        break;
      case "not-found":
        this.#answered(message.questionId)?.reject(fromPlainError(message.error));
        break;
      default:
        void this.#end(message.type, side);
    }
  }

  #take(
    { arrival, upgrade, profile }: Extract<ToWorker, { type: "take" }>,
    side: IngestSide,
    socket: Socket | undefined,
  ): void {
    const { connectionId, hwid } = arrival;
    const onEnded = () => this.#port.send({ type: "ended", connectionId });
    if (socket === undefined) {
      onEnded();
      return;
    }
    this.#learn(hwid, profile);
    side.take(arrival, attachUpgrade(upgrade, socket), {
      onEnded,
      onHandshake: () => this.#port.send({ type: "handshake", connectionId }),
    });
  }

  #learn(hwid: string | null, profile: DeviceProfile): void {
    if (Object.keys(profile).length > 0) this.#profiles.set(hwid, profile);
    else this.#profiles.delete(hwid);
  }

  #answered(questionId: number): PromiseWithResolvers<EndedSession | undefined> | undefined {
    const question = this.#questions.get(questionId);
    this.#questions.delete(questionId);
    return question;
  }

  async #end(step: EndingStep, side: IngestSide): Promise<void> {
    if (step === "stop") await side.stop();
    else if (step === "end-sessions") await side.endSessions();
    else {
      clearInterval(this.#reportTimer);
      this.#shown.close();
      await side.close();
    }
    this.#report();
    this.#port.send({ type: "done", step }, () => {
      if (step === "close") this.#port.exit(0);
    });
  }

  #report(): void {
    if (this.#side === undefined) return;
    const { figures, waitingBytes } = this.#side;
    const { cpuS, residentBytes, eventLoopDelay } = this.#monitor.read();
    const use = { cpuS, residentBytes, loopDelayMs: eventLoopDelay.maxS * 1_000 };
    this.#port.send({ type: "report", report: { figures, waitingBytes, use } });
  }
}
