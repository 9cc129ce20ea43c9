import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { ReceivedWebhook } from "./webhook-receiver.ts";

/** What a server tells. */
export type TestifiedEvent = ReceivedWebhook["event"];

interface Sighting {
  readonly webhookId: string;
  readonly event: TestifiedEvent;
  /** Life of the server in which it was answered with success; `undefined`: never yet. */
  takenInLife: number | undefined;
}

/**
 * What a receiver of webhooks saw over several lives of a server: judges each delivery at the moment of its receipt by
 * the files on disk, and by what came before.
 */
export class EventWitness {
  /** What the server did that it must not do. */
  readonly faults: string[] = [];
  readonly #received: string;
  readonly #sightings = new Map<number, Sighting>();
  readonly #newestByDevice = new Map<string | null, Sighting>();
  #life = 0;
  #repeatCount = 0;

  /** @param received - the server's `data/received` */
  constructor(received: string) {
    this.#received = received;
  }

  /** Each event that came, once. */
  get events(): readonly TestifiedEvent[] {
    return [...this.#sightings.values()].map(({ event }) => event);
  }

  /** Deliveries of what had been answered with success before. */
  get repeatCount(): number {
    return this.#repeatCount;
  }

  /** Whether an event was answered with success. */
  hasTaken(id: number): boolean {
    return this.#sightings.get(id)?.takenInLife !== undefined;
  }

  /** The server is dead: the next one may repeat what this one has not noted. */
  beginLife(): void {
    this.#life += 1;
  }

  /** To be called as soon as a delivery has come, before anything is waited for. */
  see(webhook: Pick<ReceivedWebhook, "id" | "event">): void {
    const { event } = webhook;
    const earlier = this.#sightings.get(event.id);
    if (earlier !== undefined) this.#judgeRepeat(earlier, webhook);
    const sighting = earlier ?? { webhookId: webhook.id, event, takenInLife: undefined };
    this.#sightings.set(event.id, sighting);
    this.#judgeOrder(sighting);
    if (event.type === "segment.closed") this.#judgeFiles(event);
  }

  /** The delivery is about to be answered with success. */
  take(id: number): void {
    const sighting = this.#sightings.get(id);
    if (sighting !== undefined) sighting.takenInLife ??= this.#life;
  }

  #judgeRepeat(earlier: Sighting, { id, event }: Pick<ReceivedWebhook, "id" | "event">): void {
    if (earlier.webhookId !== id) this.#blame(event, `comes as ${id}, came as ${earlier.webhookId}`);
    if (!isDeepStrictEqual(earlier.event, event)) this.#blame(event, `was ${JSON.stringify(earlier.event)}`);
    if (earlier.takenInLife === undefined) return;
    this.#repeatCount += 1;
    if (earlier.takenInLife === this.#life) this.#blame(event, "comes again to one who has taken it");
  }

  /** A device's next event comes behind an answer to the one before, so only the newest can come again. */
  #judgeOrder(sighting: Sighting): void {
    const { event } = sighting;
    const newest = this.#newestByDevice.get(event.hwid);
    if (newest !== undefined && newest !== sighting) {
      if (event.id < newest.event.id) this.#blame(event, `comes behind ${newest.event.id}`);
      else if (newest.takenInLife === undefined) this.#blame(event, `comes before ${newest.event.id} is taken`);
    }
    if (newest === undefined || event.id > newest.event.id) this.#newestByDevice.set(event.hwid, sighting);
  }

  #judgeFiles(event: TestifiedEvent): void {
    for (const fault of findFileFaults(this.#received, event)) this.#blame(event, `comes when ${fault}`);
  }

  #blame({ id, type, hwid, data }: TestifiedEvent, what: string): void {
    this.faults.push(`${type} ${id} of ${hwid} (${data["name"] ?? data["session"]}) ${what}`);
  }
}

/** Compares the files that a `segment.closed` names with what it says of them; each fault completes "comes when". */
export function findFileFaults(received: string, { data }: TestifiedEvent): readonly string[] {
  const faults: string[] = [];
  const path = join(received, String(data["folder"]), String(data["name"]));
  const files = Object.entries(Object(data["files"]));
  if (files.length !== 3) faults.push(`it names ${files.length} files`);
  for (const [ending, file] of files) {
    const facts = file === null ? null : Object(file);
    const bytes = readIfThere(`${path}.${ending}`);
    if (facts === null || bytes === undefined) faults.push(`${path}.${ending} is not there`);
    else if (bytes.length !== facts.bytes)
      faults.push(`${path}.${ending} has ${bytes.length} bytes, not ${facts.bytes}`);
    else if (createHash("sha256").update(bytes).digest("hex") !== facts.sha256) {
      faults.push(`${path}.${ending} holds other bytes`);
    }
  }
  return faults;
}

/** At once: what came a moment later must not count. */
function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
