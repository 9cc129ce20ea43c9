import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as passed } from "node:timers/promises";
import type { AckFleet } from "./ack-fleet.ts";
import { DeviceFleet } from "./device-fleet.ts";
import { type EventEvidence, gatherEvidence, judgeEvents, readEventLog } from "./event-checker.ts";
import { EventWitness } from "./event-witness.ts";
import { ServerProcess } from "./server-process.ts";
import type { WebhookReceiver } from "./webhook-receiver.ts";

/** Waits before a delivery that failed some times is tried again. */
const deliveryDeadlineMs = 180_000;
/** Longest wait for a device to be at its end, so that the server is killed around that. */
const endDeadlineMs = 3_000;
/** What a start finds is told of behind the word that it is through. */
const judgeIntervalMs = 50;
const flags = [
  "--finish-workers",
  "1",
  "--flush-ms",
  "100",
  "--ack-ms",
  "50",
  "--offline-after-s",
  "1",
  "--shutdown-timeout-s",
  "300",
];

/** How a receiver is: the status it answers with, `undefined` for none at all. */
export type ReceiverMood = () => number | undefined;

/** A moment of a delivery at which something happens: as soon as it has come, or as soon as success was answered. */
export type DeliveryMoment = "came" | "taken";

export interface EventRunOptions {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly fleet: AckFleet;
  /** Devices without acknowledgements that are there besides: each life of the server cuts their sessions. */
  readonly plainCount: number;
  readonly receiver: WebhookReceiver;
  /** For messages. */
  readonly where: string;
  /** Media seconds of a segment. */
  readonly rotateS: number;
}

/** One data folder whose server tells a receiver of what it records, is killed, and goes on. Disposing of it kills the server. */
export class EventRun implements AsyncDisposable {
  readonly witness: EventWitness;
  /** How the receiver is from now on. */
  mood: ReceiverMood = isWell;
  /** Told of the moments of deliveries. */
  onDelivery: (moment: DeliveryMoment) => void = () => {};
  readonly #options: EventRunOptions;
  readonly #received: string;
  #server: ServerProcess | undefined;
  #plain: Promise<DeviceFleet | undefined> = Promise.resolve(undefined);
  /** Devices that were told that all is well and have left when the server was killed: their sessions end by time. */
  readonly #left = new Set<string>();

  constructor(options: EventRunOptions) {
    const { folder, receiver } = options;
    this.#options = options;
    this.#received = join(folder, "data/received");
    this.witness = new EventWitness(this.#received);
    receiver.answer = (webhook) => {
      this.witness.see(webhook);
      this.onDelivery("came");
      const status = this.mood();
      if (status === isWell()) {
        this.witness.take(webhook.event.id);
        setImmediate(() => this.onDelivery("taken"));
      }
      return status;
    };
  }

  /** Working folder of the servers. */
  get folder(): string {
    return this.#options.folder;
  }

  /** @returns the server, which devices do not know yet */
  async start(): Promise<ServerProcess> {
    const { folder, environment, receiver, rotateS } = this.#options;
    this.#server = await ServerProcess.start({
      ...{ folder, flags: [...flags, "--rotate-s", String(rotateS)] },
      environment: { ...environment, EET_WEBHOOK_URL: receiver.url, EET_WEBHOOK_SECRET: receiver.secret },
    });
    return this.#server;
  }

  /** Lets all devices know where the server is. */
  aim({ url }: ServerProcess): void {
    const { fleet, plainCount } = this.#options;
    fleet.aim(url);
    // A server that is killed meanwhile does not let them in.
    this.#plain = DeviceFleet.open(url, `${fleet.name}-plain`, plainCount).catch(() => undefined);
  }

  /** To be called when a server was killed: nobody may come to its port any more, and it has done nothing wrong. */
  async mourn(when: string): Promise<void> {
    const { fleet, where } = this.#options;
    fleet.aim(undefined);
    await this.#leavePlain();
    for (const { hwid, isDone } of fleet.devices) if (isDone) this.#left.add(hwid);
    this.onDelivery = () => {};
    this.mood = isWell;
    this.witness.beginLife();
    assert.deepEqual(this.#server?.problems.filter(isSurprising) ?? [], [], `${where}, ${when}: the server's log`);
    assert.deepEqual(this.witness.faults, [], `${where}, ${when}: what the receiver saw`);
    assert.deepEqual(fleet.faults, [], `${where}, ${when}: what devices saw`);
  }

  /** Starts a server that is left alone until it has told all of what there is: that must be all, once, and true. */
  async settle(when: string): Promise<EventEvidence> {
    const server = await this.start();
    const evidence = await this.#judge(server, when, false);
    await server.kill();
    await this.mourn(when);
    return evidence;
  }

  /**
   * All devices deliver what they still hold and end their sessions, once with a kill in the middle of it; then all that
   * happened must be told.
   *
   * @returns the evidence
   */
  async end(random: () => number): Promise<EventEvidence> {
    const { fleet } = this.#options;
    await this.#killAtEnd(random);
    const server = await this.start();
    fleet.aim(server.url);
    await fleet.finish();
    const evidence = await this.#judge(server, "all brought to an end", true);
    assert.equal(await server.stop(), 0, server.errors);
    await this.mourn("at the end");
    return evidence;
  }

  /** Kills a server to which devices say that they are done: some have its answer by then. */
  async #killAtEnd(random: () => number): Promise<void> {
    const { fleet } = this.#options;
    const server = await this.start();
    this.aim(server);
    await fleet.until("a device streams", () => fleet.devices.some(({ isStreaming }) => isStreaming));
    const finishing = fleet.finish().catch(() => {});
    const count = Math.floor(random() * (fleet.devices.length + 1));
    const isSo = () => fleet.devices.filter(({ isDone }) => isDone).length >= count;
    await fleet.until(`${count} devices are done`, isSo, endDeadlineMs).catch(() => {});
    await passed(random() * 50);
    await server.kill();
    await this.mourn("devices end their sessions");
    void finishing;
  }

  async #judge(server: ServerProcess, when: string, isEnded: boolean): Promise<EventEvidence> {
    const { where } = this.#options;
    const { witness } = this;
    await server.recovered();
    const origin = `http://127.0.0.1:${server.port}`;
    const deadlineMs = performance.now() + deliveryDeadlineMs;
    for (;;) {
      const facts = { received: this.#received, witness, isEnded, left: this.#left };
      const log = await readEventLog(origin);
      const isTold = log.every(({ id }) => witness.hasTaken(id));
      if (isTold || performance.now() > deadlineMs) {
        const evidence = await gatherEvidence(origin, facts);
        const faults = judgeEvents(evidence);
        if (faults.length === 0) return evidence;
        if (performance.now() > deadlineMs) assert.deepEqual(faults, [], `${where}, ${when}`);
      }
      await passed(judgeIntervalMs);
    }
  }

  async #leavePlain(): Promise<void> {
    const plain = await this.#plain;
    this.#plain = Promise.resolve(undefined);
    await plain?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.kill();
    await this.#leavePlain();
  }
}

/** The mood of a receiver that takes everything. */
export function isWell(): number {
  return 204;
}

/** Lines that tell only of the kills, of the cuts that devices make themselves, and of a receiver that is not well. */
const expectedEndings: ReadonlySet<unknown> = new Set(["CLIENT_LOST", "SUPERSEDED", "HANDSHAKE_TIMEOUT"]);

/** Noise is too loud. */
const expectedMessages: ReadonlySet<string> = new Set([
  "a delivery failed: tried again",
  "a receiver is down: one delivery at a time is tried until it is back, the others wait",
  "health of a device changed",
]);

function isSurprising({ code, msg }: { readonly code?: unknown; readonly msg: string }): boolean {
  return !expectedEndings.has(code) && !expectedMessages.has(msg);
}
