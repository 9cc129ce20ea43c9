import assert from "node:assert/strict";
import { mock } from "node:test";
import { seededRandom } from "../../../../../test/support/seeded-random.ts";
import type { RecordingEvent } from "../kernel/recording-events.ts";
import type { FrameLog } from "../storage/frame-log-store.ts";
import type { Scenario } from "./delivery-scenario.test-support.ts";
import { Recorder } from "./recorder.ts";
import { FakeClock } from "./recording.test-support.ts";
import { ScenarioTotals } from "./scenario-totals.test-support.ts";
import { sessionIdOf } from "./session-id.ts";
import { SessionModel } from "./session-model.test-support.ts";
import { SimulatedCatalog } from "./simulated-catalog.test-support.ts";
import { type DeviceConnection, SimulatedDevice } from "./simulated-device.test-support.ts";
import { SimulatedDisk } from "./simulated-disk.test-support.ts";
import { SimulatedFrameLog, type UsedOfFrameLog } from "./simulated-frame-log.test-support.ts";
import { SimulatedOperations } from "./simulated-operations.test-support.ts";

/** A session without a connection can be resumed for so long. */
export const resumeTtlMs = 24 * 60 * 60 * 1000;
const sampleRateHz = 4_000;
/** Steps in which time moves while nothing is done: as coarse as the timers. */
const tickMs = 25;
/** Given because to do without it throws and catches within `mock.timers`, which takes longer than a scenario. */
const timersStart = new Date(0);
/** What makes frames big. */
const bigFactor = 700;

/** What is known of a session besides its model. */
interface SessionFacts {
  readonly model: SessionModel;
  readonly device: SimulatedDevice;
  /** The connection whose frames count. */
  holder: DeviceConnection | undefined;
}

/** A recorder with all that surrounds it, in memory: devices, disk, catalogue, time. */
export class DeliveryWorld {
  readonly clock = new FakeClock();
  readonly operations: SimulatedOperations;
  readonly disk: SimulatedDisk;
  readonly catalog: SimulatedCatalog;
  readonly devices: readonly SimulatedDevice[];
  readonly totals = new ScenarioTotals();
  /** The server stops, in order: it answers nobody. */
  isStopping = false;
  readonly #scenario: Scenario;
  readonly #random: () => number;
  readonly #sessions = new Map<string, SessionFacts>();
  readonly #faults: string[] = [];
  #sessionCount = 0;
  #recorder: Recorder;
  #log: SimulatedFrameLog | undefined;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#random = seededRandom(scenario.seed);
    const { clock } = this;
    const random = this.#random;
    const blame = (fault: string) => this.blame(fault);
    const operations = new SimulatedOperations(clock, random);
    operations.pace = scenario.pace;
    this.operations = operations;
    this.disk = new SimulatedDisk({ clock, operations, random, blame });
    this.catalog = new SimulatedCatalog({ disk: this.disk, clock, operations, random, blame });
    this.devices = scenario.devices.map((draft, index) => makeDevice(`device-${index}`, draft, scenario.hasBigFrames));
    this.#recorder = this.#start();
  }

  get recorder(): Recorder {
    return this.#recorder;
  }

  /** @param index - counted modulo the devices that there are */
  deviceAt(index: number): SimulatedDevice {
    const device = this.devices[index % this.devices.length];
    if (device === undefined) throw new RangeError("there is no device");
    return device;
  }

  /** False while nothing can be told to be durable. */
  get isCommitting(): boolean {
    return this.#log?.isFailing === false;
  }

  /** Notes what must never happen. */
  blame(fault: string): void {
    this.#faults.push(fault);
  }

  /** Throws when something has happened that must not. */
  assertFaultless(): void {
    assert.deepEqual(this.#faults, []);
  }

  #start(): Recorder {
    // Of a server that has died no timer is left either.
    this.isStopping = false;
    mock.timers.reset();
    mock.timers.enable({ apis: ["setInterval", "setTimeout"], now: timersStart });
    const { disk, operations, catalog, clock } = this;
    const { rotateSamples, rotateAlign, flushIntervalMs, hasBigFrames } = this.#scenario;
    const log = new SimulatedFrameLog({ disk, operations, random: this.#random });
    this.#log = log;
    return new Recorder({
      receivedPath: "/received",
      layout: "{hwid}",
      rotateS: (rotateSamples * (hasBigFrames ? bigFactor : 1)) / sampleRateHz,
      rotateAlign,
      gapFill: "silence",
      flushIntervalMs,
      bootId: "boot",
      runId: "run",
      // The class has private fields, so nothing else has its type; these are all that is used of it.
      frameLog: log satisfies Pick<FrameLog, UsedOfFrameLog> as unknown as FrameLog,
      clock,
      listener: (event) => this.#onEvent(event),
      profileOf: () => ({}),
      resumeTtlMs,
      findEnded: (session) => catalog.findEnded(session),
      newSessionId: () => formatId(BigInt(++this.#sessionCount)),
      openFile: (opening) => disk.open(opening, log),
    });
  }

  #onEvent(event: RecordingEvent): void {
    this.catalog.onEvent(event);
    if (event.type === "segment.closed") {
      this.totals.segments += 1;
      if (event.segment.reason === "storage-failed") this.totals.failedFiles += 1;
    } else if (event.type === "storage.gave-up") {
      this.totals.givenUp += 1;
      const facts = this.#sessions.get(event.opening.session.session);
      if (facts !== undefined) facts.model.isGivenUp = true;
    } else if (event.type === "session.resumed" && !this.isStopping) {
      this.totals.resumed += 1;
      const { session } = event.session;
      const point = this.catalog.pointOf(session);
      if (point !== undefined) this.#sessions.get(session)?.model.resume(point);
    }
  }

  /** A device was given a new session. */
  addSession(device: SimulatedDevice, wireSession: bigint): SessionModel {
    const id = formatId(wireSession);
    const model: SessionModel = new SessionModel({
      id,
      wireSession,
      format: device.request.format,
      readDurable: () => this.disk.durableSeqs(id),
      blame: (fault) => this.blame(fault),
    });
    this.#sessions.set(id, { model, device, holder: undefined });
    return model;
  }

  factsOf({ id }: SessionModel): SessionFacts {
    const facts = this.#sessions.get(id);
    if (facts === undefined) throw new Error(`${id} is no session`);
    return facts;
  }

  /** True when what comes on a connection counts. */
  holds(connection: DeviceConnection): boolean {
    const { session, isLost } = connection;
    return session !== undefined && !isLost && this.factsOf(session).holder === connection;
  }

  /** Lets time pass: what is due is done, each by itself. */
  async advance(ms: number): Promise<void> {
    const endMs = this.clock.nowMs + ms;
    await this.#settleDue();
    while (this.clock.nowMs < endMs) {
      const nextMs = Math.min(
        endMs,
        this.clock.nowMs + tickMs,
        Math.max(this.clock.nowMs + 1, this.operations.nextDueMs),
      );
      const { startedCount } = this.operations;
      const stepMs = nextMs - this.clock.nowMs;
      this.clock.nowMs = nextMs;
      mock.timers.tick(stepMs);
      if (this.operations.startedCount !== startedCount) await drain();
      await this.#settleDue();
    }
    await drain();
  }

  async #settleDue(): Promise<void> {
    while (this.operations.completeNext()) await drain();
  }

  /** Lets time pass until something has come about. @returns whether it has within `maxMs` */
  async advanceUntil(isSo: () => boolean, maxMs: number): Promise<boolean> {
    const endMs = this.clock.nowMs + maxMs;
    while (!isSo() && this.clock.nowMs < endMs) await this.advance(tickMs);
    return isSo();
  }

  /** The server dies at once; with `isPowerCut` the whole machine. It starts again with what the disk has. */
  crash(isPowerCut: boolean): void {
    if (isPowerCut) this.totals.powerCuts += 1;
    else this.totals.crashes += 1;
    this.#stopAtOnce(isPowerCut);
  }

  #stopAtOnce(isPowerCut: boolean): void {
    for (const connection of this.devices.flatMap(({ connections }) => connections)) connection.isLost = true;
    this.operations.loseAll();
    if (isPowerCut) this.disk.cutPower();
    this.catalog.recover();
    for (const facts of this.#sessions.values()) {
      facts.holder = undefined;
      if (facts.model.isBegun) facts.model.crash(this.catalog.segmentsOf(facts.model.id));
    }
    this.#recorder = this.#start();
  }

  /** The server stops in order; what it cannot bring to rest in time is as if it had died. Then it starts again. */
  async restart(): Promise<void> {
    let isStopped = false;
    this.isStopping = true;
    const stopped = this.#recorder.close().then(() => this.catalog.settled());
    void stopped.then(() => {
      isStopped = true;
    });
    if (!(await this.advanceUntil(() => isStopped, 8_000))) {
      this.crash(false);
      return;
    }
    for (const { model } of this.#sessions.values()) {
      if (!model.isGivenUp) model.judge(this.catalog.segmentsOf(model.id));
    }
    this.#stopAtOnce(false);
  }

  /** All that devices have made and not lost themselves must be on disk by now. */
  judgeDevices(): void {
    for (const device of this.devices) {
      const stored = new Set<number>();
      for (const facts of this.#sessions.values()) {
        if (facts.device !== device) continue;
        for (const number of facts.model.takenNumbers) stored.add(number);
      }
      const missing = device.made.find(({ number }) => !stored.has(number));
      if (missing !== undefined) this.blame(`${device.hwid}: frame ${missing.number} is in none of its sessions`);
    }
  }

  /** Counts what sessions have come to. */
  countSessions(): void {
    const { totals } = this;
    for (const { model } of this.#sessions.values()) {
      const { frameCount, acknowledgedCount, duplicateCount, gapCount, hasWrapped } = model.counts;
      totals.frames += frameCount;
      totals.acknowledged += acknowledgedCount;
      totals.duplicates += duplicateCount;
      totals.gaps += gapCount;
      if (hasWrapped) totals.wrapped += 1;
      if (model.isLost) totals.wipedOut += 1;
    }
  }

  /** Stops whatever may still be going to happen. */
  close(): void {
    this.operations.loseAll();
    mock.timers.reset();
  }
}

function makeDevice(hwid: string, draft: Scenario["devices"][number], isBig: boolean): SimulatedDevice {
  const factor = isBig ? bigFactor : 1;
  const frameSampleCount = draft.frameSampleCount * factor;
  const format = { codec: "pcm16", sampleRateHz, channels: 1, frameSampleCount } as const;
  return new SimulatedDevice({
    hwid,
    request: { hwid, streamId: 7, format, deviceMs: 0 },
    firstNumber: draft.firstSeq,
    sampleCountOf: (number) => {
      if (draft.frameSampleCount === 0) return (1 + ((number * 37) % 60)) * factor;
      return number % 17 === 0 ? 13 * factor : frameSampleCount;
    },
  });
}

/** As files name a session that messages name by a number. */
function formatId(wireSession: bigint): string {
  const id = sessionIdOf(wireSession);
  if (id === undefined) throw new RangeError(`${wireSession} names no session`);
  return id;
}

/** Resolves when everything has happened that needs no time. */
function drain(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
