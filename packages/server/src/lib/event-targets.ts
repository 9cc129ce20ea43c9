import type { DeliveryQueue, EventTarget } from "./catalog/delivery-queue.ts";
import type { EventSettings } from "./config/event-sections.ts";
import { listSecretVariables } from "./config/settings-table.ts";
import { DeliveryWorker } from "./events/delivery-worker.ts";
import { SegmentCommand } from "./events/segment-command.ts";
import { WebhookSender } from "./events/webhook-sender.ts";
import type { Clock } from "./kernel/clock.ts";
import { toError } from "./kernel/errors.ts";
import type { Log } from "./kernel/log.ts";
import { eventTypes } from "./kernel/server-event.ts";
import { parseWebhookSecret } from "./kernel/webhook-secret.ts";

const dayMs = 86_400_000;

/** Waits before a webhook is tried again. */
const webhookRetry = { baseMs: 2_000, capMs: 3_600_000 } as const;
/** A command that fails five times within some minutes fails for a reason. */
const commandRetry = { baseMs: 5_000, capMs: 300_000, maxAgeMs: dayMs, maxAttempts: 5 } as const;

export interface EventTargetsOptions {
  readonly settings: EventSettings;
  readonly queue: DeliveryQueue;
  /** `data/received`, absolute. */
  readonly receivedPath: string;
  /** Variables that commands inherit. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** A worker, and all that it was made of. */
interface Running {
  readonly worker: DeliveryWorker;
  readonly making: Making;
}

/** How a target's worker is made. */
interface Making {
  readonly target: EventTarget;
  /** Equal for those who do the same in the same way. */
  readonly sameness: string;
  readonly create: () => DeliveryWorker;
}

/** Time for what is on its way to a target that changes; then it is tried again, by its successor. */
const changeTimeoutMs = 10_000;

/** Who gets events: tells it to the queue, and has those who take them there. */
export class EventTargets {
  readonly #options: EventTargetsOptions;
  readonly #running = new Map<string, Running>();
  #isStarted = false;
  #isClosed = false;
  #changing: Promise<void> = Promise.resolve();

  constructor(options: EventTargetsOptions) {
    this.#options = options;
    const makings = listMakings(options, options.settings);
    options.queue.setTargets(makings.map(({ target }) => target));
    this.#add(makings);
  }

  start(): void {
    this.#isStarted = true;
    for (const { worker } of this.#running.values()) worker.start();
  }

  /** Says that deliveries may have been queued. Cheap. */
  notify(): void {
    for (const { worker } of this.#running.values()) worker.notify();
  }

  /**
   * Takes over other settings: what is the same goes on as it is; what is waiting for a target that changes is waiting for
   * its successor; a target that is gone loses what it has not got; a new one begins with the next event. Never rejects.
   */
  change(settings: EventSettings): Promise<void> {
    this.#changing = this.#changing.then(() => this.#change(settings));
    return this.#changing;
  }

  /** See `DeliveryWorker.close`, of all. */
  async close(timeoutMs: number): Promise<void> {
    this.#isClosed = true;
    const close = () => Promise.all([...this.#running.values()].map(({ worker }) => worker.close(timeoutMs)));
    await close();
    await this.#changing;
  }

  async #change(settings: EventSettings): Promise<void> {
    const { queue, log } = this.#options;
    if (this.#isClosed) return;
    try {
      const makings = listMakings(this.#options, settings);
      const isKept = (target: string) =>
        makings.some((making) => making.target.target === target && isSame(making, this.#running.get(target)));
      const leaving = [...this.#running].filter(([target]) => !isKept(target));
      await Promise.all(leaving.map(([, { worker }]) => worker.close(changeTimeoutMs)));
      for (const [target] of leaving) this.#running.delete(target);
      if (this.#isClosed) return;
      queue.changeTargets(makings.map(({ target }) => target));
      this.#add(makings.filter(({ target: { target } }) => !this.#running.has(target)));
    } catch (thrown) {
      log.error({ error: toError(thrown).message }, "webhooks not changed: reload the settings again");
    }
  }

  #add(makings: readonly Making[]): void {
    for (const making of makings) {
      const worker = making.create();
      this.#running.set(making.target.target, { worker, making });
      if (this.#isStarted) worker.start();
    }
  }
}

function isSame(making: Making, running: Running | undefined): boolean {
  return making.sameness === running?.making.sameness;
}

function listMakings(options: EventTargetsOptions, settings: EventSettings): readonly Making[] {
  const { runOnSegment, runTimeoutS, runConcurrency, webhookMaxAgeD, webhookConcurrency } = settings;
  const fresh = { ...options, settings };
  const webhooks = settings.webhooks.map((webhook) => {
    const { name, types = eventTypes, hwids } = webhook;
    return {
      target: { target: `webhook:${name}`, types, ...(hwids !== undefined && { hwids }) },
      sameness: JSON.stringify([webhook, webhookMaxAgeD, webhookConcurrency]),
      create: () => createWebhookWorker(webhook, fresh),
    };
  });
  if (runOnSegment === undefined) return webhooks;
  const run: Making = {
    target: { target: "run-on-segment", types: ["segment.closed"] },
    sameness: JSON.stringify([runOnSegment, runTimeoutS, runConcurrency]),
    create: () => createCommandWorker(runOnSegment, fresh),
  };
  return [...webhooks, run];
}

function createWebhookWorker(
  { name, url, secret }: EventSettings["webhooks"][number],
  { settings, queue, version, clock, log }: EventTargetsOptions,
): DeliveryWorker {
  const key = parseWebhookSecret(secret);
  if (key === undefined) throw new TypeError(`the secret of webhook ${name} was not checked`);
  const sender = new WebhookSender({ name, url, key, version, clock });
  return new DeliveryWorker({
    ...{ queue, clock, log, target: `webhook:${name}`, maxInFlight: settings.webhookConcurrency },
    deliver: (delivery, signal) => sender.send(delivery, signal),
    retry: { ...webhookRetry, maxAgeMs: settings.webhookMaxAgeD * dayMs },
    isGuarded: true,
  });
}

function createCommandWorker(
  command: string,
  { settings, queue, receivedPath, environment, clock, log }: EventTargetsOptions,
): DeliveryWorker {
  const { runTimeoutS, runConcurrency } = settings;
  const timeoutMs = runTimeoutS * 1000;
  const secretVariables = listSecretVariables();
  const runner = new SegmentCommand({ command, receivedPath, environment, secretVariables, log, timeoutMs });
  return new DeliveryWorker({
    ...{ queue, clock, log, target: "run-on-segment", maxInFlight: runConcurrency },
    deliver: (delivery, signal) => runner.run(delivery, signal),
    retry: commandRetry,
  });
}
