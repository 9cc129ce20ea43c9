import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import type { Socket } from "node:net";
import type { Arrival, ConnectionObserver, Upgrade } from "../ingest/connection-taker.ts";
import type { Clock } from "../kernel/clock.ts";
import type { ConnectionEvent } from "../kernel/connection-events.ts";
import { toError } from "../kernel/errors.ts";
import type { FrameTap } from "../kernel/frame-tap.ts";
import { fromPlainError, toPlainError } from "../kernel/plain-error.ts";
import type { RecordingEvent } from "../kernel/recording-events.ts";
import type { SessionRecord } from "../kernel/segment-record.ts";
import { noFigures, noUse } from "./ingest-figures.ts";
import type { IngestSurroundings } from "./ingest-host.ts";
import type { EndingStep, FromWorker, ToWorker, WorkerReport, WorkerStart } from "./ingest-messages.ts";
import { SilenceWatch } from "./silence-watch.ts";
import { detachUpgrade } from "./ws-hand-over.ts";

/** Time that a worker has for its last step. What it has written is safe however it ends. */
const maxExitMs = 10_000;
/** Time that it has to begin, many times what a slow machine takes. */
const maxStartMs = 60_000;

export interface WorkerRunOptions extends Omit<WorkerStart, "runId"> {
  /** Begins a process. */
  readonly fork: () => ChildProcess;
  /** Time without a word from the process after which it counts as hung; it says something each second. */
  readonly maxSilenceMs: number;
  readonly surroundings: IngestSurroundings;
  readonly clock: Clock;
  /** Who looks at the frames of a device. */
  readonly tapOf: (hwid: string | null) => FrameTap | undefined;
}

/** How a run ended. */
export interface WorkerEnd {
  readonly runId: string;
  /** Exit code or signal; `undefined`: it could not be started. */
  readonly how: number | NodeJS.Signals | undefined;
}

/** A connection that the process has, or will have. */
interface HandedConnection {
  readonly observer: ConnectionObserver;
  /** See `DetachedUpgrade`. */
  readonly close: () => void;
}

/** One process that takes devices, from its start to its end. */
export class WorkerRun {
  /** Stands in the openings of its segments. */
  readonly runId: string = randomUUID();
  /** Resolves when it takes devices, rejects when it cannot. */
  readonly ready: Promise<void>;
  /** Resolves when it is gone and all it told was passed on; never rejects. */
  readonly gone: Promise<WorkerEnd>;
  readonly #options: WorkerRunOptions;
  readonly #child: ChildProcess;
  readonly #ready = Promise.withResolvers<void>();
  readonly #gone = Promise.withResolvers<WorkerEnd>();
  readonly #steps = new Map<EndingStep, PromiseWithResolvers<void>>();
  readonly #connections = new Map<number, HandedConnection>();
  /** Connections whose handshake has come. */
  readonly #devices = new Map<number, string | null>();
  readonly #sessions = new Map<string, SessionRecord>();
  /** Sockets on their way to the process. */
  readonly #leaving = new Set<Socket>();
  readonly #watch: SilenceWatch;
  #report: WorkerReport = { figures: noFigures, waitingBytes: 0, use: noUse };
  #isGone = false;

  private constructor(options: WorkerRunOptions, child: ChildProcess) {
    this.#options = options;
    this.#child = child;
    this.ready = this.#ready.promise;
    this.gone = this.#gone.promise;
    const { clock, maxSilenceMs } = options;
    this.#watch = new SilenceWatch({ clock, maxSilenceMs, onSilent: () => this.#giveUp() }, maxStartMs);
  }

  /** Starts a process; {@link ready} tells when it takes devices. */
  static start(options: WorkerRunOptions): WorkerRun {
    const run = new WorkerRun(options, options.fork());
    run.#begin();
    return run;
  }

  #begin(): void {
    this.#child.on("message", (message) => this.#hear(message as FromWorker));
    // Behind its last message.
    this.#child.once("close", (code, signal) => this.#end(code ?? signal ?? undefined));
    this.#child.on("error", (error) => {
      this.#ready.reject(error);
      if (this.#child.pid === undefined) this.#end(undefined);
    });
    const { dataPath, place, options: ingest } = this.#options;
    this.#tell({ type: "start", start: { dataPath, place, runId: this.runId, options: ingest } });
  }

  /** It lives and does nothing: what waits for it waits for ever. */
  #giveUp(): void {
    const { surroundings, place } = this.#options;
    const fields = { worker: place, pid: this.pid };
    surroundings.log.error(fields, "an ingest worker has stopped working, nothing was heard of it: it is killed");
    this.#child.kill("SIGKILL");
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** What it was doing when it last told. */
  get report(): WorkerReport {
    return { ...this.#report, figures: { ...this.#report.figures, sessionCount: this.#sessions.size } };
  }

  /** True while it records an acknowledged session, or keeps it for its connection to come back. */
  isHeld(session: string): boolean {
    return this.#sessions.get(session)?.isAcked === true;
  }

  /** Hands a connection over: its socket is not used here any more. */
  take(arrival: Arrival, upgrade: Upgrade, observer: ConnectionObserver): void {
    const { connectionId, hwid } = arrival;
    const socket = upgrade.socket as Socket;
    const { plain, close } = detachUpgrade(upgrade);
    this.#connections.set(connectionId, { observer, close });
    const profile = this.#options.surroundings.profileOf(hwid);
    this.#leaving.add(socket);
    this.#tell({ type: "take", arrival, upgrade: plain, profile }, socket, () => this.#drop(socket));
    if (this.#isGone) this.#endConnection(connectionId);
  }

  /** Once it is handed over it is but a shell. */
  #drop(socket: Socket): void {
    this.#leaving.delete(socket);
    socket.destroy();
  }

  /** Tells the process something, if it is still there. */
  tell(message: ToWorker): void {
    this.#tell(message);
  }

  #tell(message: ToWorker, socket?: Socket, onSent?: () => void): void {
    if (!this.#child.connected) onSent?.();
    else this.#child.send(message, socket, {}, () => onSent?.());
  }

  #hear(message: FromWorker): void {
    const { surroundings, tapOf } = this.#options;
    this.#watch.hear();
    switch (message.type) {
      case "ready":
        this.#ready.resolve();
        break;
      case "not-ready":
        this.#ready.reject(fromPlainError(message.error));
        break;
      case "recording":
        this.#hearOfRecording(message.event);
        break;
      case "connection":
        this.#hearOfConnection(message.event);
        break;
      case "handshake":
        this.#connections.get(message.connectionId)?.observer.onHandshake();
        break;
      case "ended":
        this.#endConnection(message.connectionId);
        break;
      case "find-ended":
        void this.#answer(message.questionId, message.session);
        break;
      case "frames":
        for (const { hwid, ...frame } of message.frames) tapOf(hwid)?.(frame);
        break;
      case "limit":
        surroundings.tally.note(message.code);
        break;
      case "report":
        this.#report = message.report;
        break;
      case "log":
        surroundings.log[message.level](message.fields, message.message);
        break;
      case "done":
        this.#steps.get(message.step)?.resolve();
        break;
    }
  }

  #hearOfRecording(event: RecordingEvent): void {
    if (event.type === "session.opened" || event.type === "session.resumed")
      this.#sessions.set(event.session.session, event.session);
    else if (event.type === "session.closed") this.#sessions.delete(event.session.session);
    this.#options.surroundings.onRecording(event);
  }

  #hearOfConnection(event: ConnectionEvent): void {
    if (event.type === "device.connected") this.#devices.set(event.connectionId, event.hwid);
    else if (event.type === "device.disconnected") this.#devices.delete(event.connectionId);
    this.#options.surroundings.onConnection(event);
  }

  async #answer(questionId: number, session: string): Promise<void> {
    try {
      const ended = await this.#options.surroundings.findEnded(session);
      this.#tell({ type: "found", questionId, ended });
    } catch (thrown) {
      this.#tell({ type: "not-found", questionId, error: toPlainError(toError(thrown)) });
    }
  }

  #endConnection(connectionId: number): void {
    const connection = this.#connections.get(connectionId);
    this.#connections.delete(connectionId);
    connection?.close();
    connection?.observer.onEnded();
  }

  /** Takes a step towards the end. @returns when it is taken, or the process is gone; never rejects */
  async step(step: EndingStep): Promise<void> {
    const done = this.#steps.get(step) ?? Promise.withResolvers<void>();
    if (!this.#steps.has(step)) {
      this.#steps.set(step, done);
      // Before it is ready it hears nothing but its beginning.
      await Promise.race([this.ready.catch(() => {}), this.gone]);
      this.#tell({ type: step });
    }
    await Promise.race([done.promise, this.gone]);
  }

  /** The last step: the process ends. Never rejects. */
  async close(): Promise<void> {
    // Of its last step it says nothing before it is taken.
    this.#watch.close();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), maxExitMs);
    await this.step("close");
    await this.gone;
    clearTimeout(timer);
  }

  /** What it had open is told as lost, so that nobody waits for its end. */
  #end(how: WorkerEnd["how"]): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#watch.close();
    const { surroundings, clock } = this.#options;
    // Their clients are to come again.
    for (const socket of this.#leaving) this.#drop(socket);
    this.#ready.reject(new Error(`the process ended with ${how} before it took devices`));
    const atMs = clock.wallMs();
    for (const [connectionId, hwid] of this.#devices) {
      surroundings.onConnection({ type: "device.disconnected", connectionId, hwid, atMs, reason: "WORKER_DOWN" });
    }
    for (const connectionId of [...this.#connections.keys()]) this.#endConnection(connectionId);
    for (const session of this.#sessions.values()) surroundings.onRecording({ type: "session.lost", session });
    this.#devices.clear();
    this.#sessions.clear();
    this.#gone.resolve({ runId: this.runId, how });
  }
}
