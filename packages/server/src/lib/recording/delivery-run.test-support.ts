import { ProtocolError } from "@eet/protocol";
import { StorageError, systemErrorCode } from "../kernel/errors.ts";
import type { Delivery } from "./delivery.ts";
import type { Scenario, Step } from "./delivery-scenario.test-support.ts";
import { DeliveryWorld, resumeTtlMs } from "./delivery-world.test-support.ts";
import { ScenarioTotals } from "./scenario-totals.test-support.ts";
import type { MadeFrame, SessionModel } from "./session-model.test-support.ts";
import type { DeviceConnection, SimulatedDevice } from "./simulated-device.test-support.ts";

/** Further than any gap that is taken, and nearer than where serial numbers turn. */
const leapFrameCount = 2 ** 31 - 100_000_000;
/** Longer than recording tries. */
const deadDiskMs = 70_000;
/** Regular anchors come in front of frames whose number is a multiple of it. */
const anchorEvery = 9;

/**
 * Runs a scenario to its end.
 *
 * @param totals - counts what has happened
 * @throws AssertionError with all that went wrong
 */
export async function runScenario(scenario: Scenario, totals = new ScenarioTotals()): Promise<void> {
  const run = new DeliveryRun(scenario);
  try {
    for (const step of scenario.steps) await run.take(step);
    totals.add(await run.conclude());
  } finally {
    run.close();
  }
}

/** What is waited for on a connection. */
interface Promised {
  readonly connection: DeviceConnection;
  readonly what: string;
  isKept: boolean;
}

/** One scenario that is being run: does what devices and the channels of their connections do. */
class DeliveryRun {
  readonly #scenario: Scenario;
  readonly #world: DeliveryWorld;
  readonly #promised: Promised[] = [];

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#world = new DeliveryWorld(scenario);
  }

  close(): void {
    this.#world.close();
  }

  async take(step: Step): Promise<void> {
    await this.#do(step);
    await this.#world.advance(0);
    this.#observe();
    this.#world.assertFaultless();
  }

  async #do(step: Step): Promise<void> {
    const world = this.#world;
    switch (step.kind) {
      case "wait":
        this.#dropSuperseded(step.ms);
        return world.advance(step.ms);
      case "fault":
        return world.disk.fail({ ...step.fault, untilMs: world.clock.nowMs + step.ms });
      case "pace":
        world.operations.pace = step.pace;
        return;
      case "heal":
        return world.disk.heal();
      case "dead-disk":
        return this.#endureDeadDisk();
      case "fail-all":
        return world.recorder.failAll(new StorageError("STORAGE_FULL", "as if"));
      case "day-off":
        world.clock.nowMs += resumeTtlMs + 60_000;
        return;
      case "restart":
        return this.#restart();
      case "crash":
        return world.crash(false);
      case "power-cut":
        return world.crash(true);
      default:
        return this.#doOf(step, world.deviceAt(step.device));
    }
  }

  async #doOf(step: Extract<Step, { device: number }>, device: SimulatedDevice): Promise<void> {
    if (step.kind === "connect") return void this.#connect(device, step.resendsAll);
    if (step.kind === "skip") {
      // Of big frames a few hundred make hours.
      const count = this.#scenario.hasBigFrames ? Math.min(step.count, 100) : step.count;
      return device.skip(count, step.how === "dropped");
    }
    if (step.kind === "steal") return this.#steal(device);
    if (step.kind === "stumble") return this.#stumble(device, step.count);
    if (step.kind === "send-old") {
      for (const connection of device.older) this.#send(device, connection, step.count);
      return;
    }
    if (device.current === undefined && step.kind === "send") {
      this.#connect(device, false);
      await this.#world.advance(5);
    }
    const connection = device.current;
    if (connection?.delivery !== undefined && !connection.isFinishing)
      this.#doOn(step, device, connection, connection.delivery);
  }

  #doOn(step: Step, device: SimulatedDevice, connection: DeviceConnection, delivery: Delivery): void {
    if (step.kind === "send") this.#send(device, connection, step.count);
    else if (step.kind === "send-again") {
      connection.cursor = Math.max(device.made[0]?.number ?? 0, connection.cursor - step.back);
      this.#send(device, connection, step.count);
    } else if (step.kind === "anchor") this.#anchor(connection, device.frameFrom(connection.cursor));
    else if (step.kind === "leap") this.#leap(device, connection, delivery);
    else if (step.kind === "acknowledge") this.#acknowledge(device, connection);
    else if (step.kind === "flush") this.#await(connection, "flush", delivery.flush());
    else if (step.kind === "finish") this.#finish(connection, delivery);
    else if (step.kind === "lose") this.#lose(connection);
  }

  #connect(device: SimulatedDevice, resendsAll: boolean): DeviceConnection {
    const connection = device.connect();
    const { session } = device;
    const { recorder } = this.#world;
    if (session === undefined) {
      this.#greet(device, connection);
      return connection;
    }
    const wasBegun = session.isBegun;
    void recorder.resumeDelivery(device.request, session.wireSession).then((delivery) => {
      // Nobody is there any more to hear a server that stops.
      if (recorder !== this.#world.recorder || this.#world.isStopping) return;
      if (delivery === undefined) this.#refuse(device, connection, session, wasBegun);
      else this.#resume(device, connection, session, delivery, resendsAll);
    });
    return connection;
  }

  /** The session is not resumed: that must have a reason. */
  #refuse(device: SimulatedDevice, connection: DeviceConnection, session: SessionModel, wasBegun: boolean): void {
    const isExpired = this.#world.clock.wallMs() - session.lastFrameMs > resumeTtlMs;
    // One that has begun and ended since it was asked for need not be found.
    const isKnown = session.isBegun && (wasBegun || this.#world.recorder.isHeld(session.id));
    if (isKnown && !session.isLost && !session.isGivenUp && !isExpired) {
      this.#world.blame(`session ${session.id} was not resumed`);
    }
    this.#world.totals.refused += 1;
    if (!connection.isLost) this.#greet(device, connection);
  }

  /** The device gets a new session. */
  #greet(device: SimulatedDevice, connection: DeviceConnection): void {
    const delivery = this.#world.recorder.openDelivery(device.request);
    const session = this.#world.addSession(device, delivery.session);
    device.session = session;
    connection.cursor = device.oldest;
    this.#hold(connection, session, delivery);
  }

  #resume(
    device: SimulatedDevice,
    connection: DeviceConnection,
    session: SessionModel,
    delivery: Delivery,
    resendsAll: boolean,
  ): void {
    if (!session.isBegun || session.isLost || session.isGivenUp) {
      this.#world.blame(`session ${session.id} was resumed, which cannot go on`);
    }
    if (delivery.session !== session.wireSession) this.#world.blame(`${session.id} was resumed as ${delivery.session}`);
    this.#world.totals.takenOver += 1;
    this.#hold(connection, session, delivery);
    const { progress } = delivery;
    session.checkProgress(progress);
    const next = device.oldest + ((progress.receivedNext - device.oldest) | 0);
    connection.cursor = resendsAll ? device.oldest : Math.max(next, device.oldest);
    if (connection.isLost) this.#lose(connection);
  }

  #hold(connection: DeviceConnection, session: SessionModel, delivery: Delivery): void {
    connection.delivery = delivery;
    connection.session = session;
    this.#world.factsOf(session).holder = connection;
    delivery.onProgress = () => {
      if (this.#world.holds(connection)) session.promise(delivery.progress.durableNext);
    };
    void delivery.failed.then((error) => {
      connection.error = error;
    });
  }

  #send(device: SimulatedDevice, connection: DeviceConnection, count: number): void {
    for (let sent = 0; sent < count; sent++) {
      const { delivery, session } = connection;
      if (delivery === undefined || session === undefined || connection.isLost || connection.isFinishing) return;
      const frame = device.frameFrom(connection.cursor);
      if (frame.droppedCount > connection.toldDroppedCount || frame.number % anchorEvery === 0)
        this.#anchor(connection, frame);
      connection.cursor = frame.number + 1;
      this.#handOver(connection, session, delivery, frame);
    }
  }

  #handOver(connection: DeviceConnection, session: SessionModel, delivery: Delivery, frame: MadeFrame): void {
    const holds = this.#world.holds(connection);
    if (holds) session.take(frame, this.#world.clock.wallMs());
    try {
      const hasRoom = delivery.accept(frame.message, frame.number >>> 0, frame.sampleCount);
      if (!hasRoom) this.#await(connection, "drained", delivery.drained(), false);
    } catch (error) {
      this.#world.blame(`session ${session.id}: frame ${frame.number} is refused: ${error}`);
    }
    if (holds) session.checkProgress(delivery.progress);
  }

  #anchor(connection: DeviceConnection, frame: MadeFrame): void {
    const { delivery, session } = connection;
    if (delivery === undefined || session === undefined) return;
    connection.toldDroppedCount = frame.droppedCount;
    const droppedFrameCount = session.droppedCountFor(frame);
    if (this.#world.holds(connection)) session.anchor(frame);
    delivery.anchor({ kind: "anchor", seq: frame.number >>> 0, captureMs: 0, captureUs: 0, droppedFrameCount });
  }

  /** A frame far ahead is refused, and its connection ended. */
  #leap(device: SimulatedDevice, connection: DeviceConnection, delivery: Delivery): void {
    const { session } = connection;
    if (session === undefined || !this.#world.holds(connection)) return;
    const frame = device.craft(session.next + leapFrameCount);
    if (session.isGivenUp || !session.isTooFar(frame)) return;
    try {
      delivery.accept(frame.message, frame.number >>> 0, frame.sampleCount);
      this.#world.blame(`session ${session.id}: a frame ${leapFrameCount} ahead was taken`);
    } catch (error) {
      if (!(error instanceof ProtocolError && error.code === "FRAME_SEQ_JUMP")) throw error;
    }
    session.checkProgress(delivery.progress);
    this.#lose(connection);
  }

  /** The device learns what it need not keep. */
  #acknowledge(device: SimulatedDevice, connection: DeviceConnection): void {
    const { session, delivery } = connection;
    if (session === undefined || delivery === undefined || !this.#world.holds(connection)) return;
    session.checkProgress(delivery.progress);
    device.free(session.durableNext);
  }

  #finish(connection: DeviceConnection, delivery: Delivery): void {
    connection.isFinishing = true;
    this.#await(connection, "finish", delivery.finish());
  }

  /** What was handed over by now must be durable when `promise` resolves. */
  #await(connection: DeviceConnection, what: string, promise: Promise<void>, isDurable = true): void {
    const { session, delivery } = connection;
    if (session === undefined || delivery === undefined) return;
    const promised: Promised = { connection, what, isKept: false };
    this.#promised.push(promised);
    const { next } = session;
    void promise.then(() => {
      promised.isKept = true;
      // One that loses the session is let go at once.
      if (!isDurable || connection.error !== undefined || !this.#world.holds(connection)) return;
      session.checkProgress(delivery.progress);
      if (session.isBegun) this.#checkDone(what, next, session, delivery);
      if (what === "finish") this.#lose(connection);
    });
  }

  #checkDone(what: string, next: number, session: SessionModel, { progress }: Delivery): void {
    if (session.durableNext < next) {
      this.#world.blame(`session ${session.id}: ${what} is done while frame ${session.durableNext} is not durable`);
    }
    if (what === "finish" && progress.isPersisting !== this.#world.isCommitting) {
      this.#world.blame(`session ${session.id}: all is durable, and isPersisting is not ${this.#world.isCommitting}`);
    }
  }

  #lose(connection: DeviceConnection): void {
    const { session, delivery } = connection;
    if (this.#world.holds(connection) && session !== undefined) this.#world.factsOf(session).holder = undefined;
    connection.isLost = true;
    void delivery?.end();
  }

  /** Another device must not get the session. */
  #steal({ request, session }: SimulatedDevice): void {
    if (session === undefined) return;
    const { recorder } = this.#world;
    void recorder.resumeDelivery({ ...request, hwid: "thief" }, session.wireSession).then((delivery) => {
      if (delivery !== undefined) this.#world.blame(`session ${session.id} was given to another device`);
    });
  }

  #dropSuperseded(ms: number): void {
    if (ms < 300) return;
    for (const device of this.#world.devices) for (const connection of device.older) this.#lose(connection);
  }

  /** A sync fails right behind one that succeeded, now and then with a gap between them. */
  async #stumble(device: SimulatedDevice, count: number): Promise<void> {
    const { clock, disk, operations } = this.#world;
    operations.pace = "quick";
    for (const isSecond of [false, true]) {
      const { current } = device;
      if (current?.delivery === undefined) return;
      if (isSecond) disk.fail({ operation: "sync", code: "EIO", count: 1, untilMs: clock.nowMs + 500 });
      if (isSecond && count > 8) device.skip(count, true);
      this.#send(device, current, 1 + (count % 3));
      void current.delivery.flush();
      await this.#world.advance(10);
    }
  }

  /** Every device has a session that is given up, and comes back for it when it has ended. */
  async #endureDeadDisk(): Promise<void> {
    const { devices, clock, disk, operations } = this.#world;
    operations.pace = "quick";
    for (const isDead of [false, true]) {
      if (isDead) disk.fail({ operation: "sync", code: "EIO", count: Infinity, untilMs: clock.nowMs + deadDiskMs });
      for (const device of devices) {
        const connection = device.current ?? this.#connect(device, false);
        this.#send(device, connection, 6);
        void connection.delivery?.flush();
      }
      const isOver = () => isDead && devices.every(({ session }) => session?.isGivenUp !== false);
      await this.#world.advanceUntil(isOver, isDead ? deadDiskMs : 300);
    }
    for (const connection of this.#connections()) this.#lose(connection);
    disk.heal();
    await this.#world.advance(6_500);
    for (const device of devices) this.#connect(device, false);
  }

  async #restart(): Promise<void> {
    for (const connection of this.#connections()) void connection.delivery?.flush();
    await this.#world.advance(50);
    for (const connection of this.#connections()) this.#lose(connection);
    await this.#world.restart();
  }

  #connections(): readonly DeviceConnection[] {
    return this.#world.devices.flatMap(({ connections }) => connections.filter(({ isLost }) => !isLost));
  }

  /** Looks at what every connection is told, and ends those that the server gives up. */
  #observe(): void {
    for (const connection of this.#connections()) {
      const { delivery, session, error, isFinishing } = connection;
      if (delivery === undefined || session === undefined) continue;
      if (this.#world.holds(connection)) session.checkProgress(delivery.progress);
      // One that has sent FINI is not told: it is done, whoever comes back for the session.
      else if (!isFinishing && systemErrorCode(error) !== "SUPERSEDED")
        this.#world.blame(`a connection that lost ${session.id} was not told`);
      if (error !== undefined && systemErrorCode(error) !== "SUPERSEDED") this.#lose(connection);
    }
  }

  /** All is well again: every device delivers what it has and says so, the server stops in order. */
  async conclude(): Promise<ScenarioTotals> {
    const world = this.#world;
    world.disk.heal();
    for (const device of world.devices) await this.#deliverAll(device);
    for (const { what, connection, isKept } of this.#promised) {
      if (!isKept && this.#world.holds(connection)) world.blame(`${what} never comes to its end`);
    }
    await this.#restart();
    world.judgeDevices();
    world.assertFaultless();
    world.countSessions();
    world.totals.scenarios += 1;
    return world.totals;
  }

  async #deliverAll(device: SimulatedDevice): Promise<void> {
    for (let round = 0; round < 3; round++) {
      for (const connection of device.connections) if (!connection.isLost) this.#lose(connection);
      const connection = this.#connect(device, false);
      await this.#world.advanceUntil(() => connection.delivery !== undefined, 30_000);
      const last = device.made.at(-1)?.number ?? -1;
      while (connection.cursor <= last && connection.delivery !== undefined) this.#send(device, connection, 1);
      if (connection.delivery !== undefined) this.#finish(connection, connection.delivery);
      await this.#world.advanceUntil(() => connection.isLost || connection.error !== undefined, 30_000);
      this.#observe();
      if (connection.session !== undefined) device.free(connection.session.durableNext);
      if (device.oldest > last) return;
    }
    this.#world.blame(`${device.hwid} cannot deliver all it has: frame ${device.oldest} is not acknowledged`);
  }
}
