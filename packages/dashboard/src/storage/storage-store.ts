import type { Pin, RetentionPreview, Storage } from "@eet/server/api-types";
import { type Signal, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ApiError, readApi, writeApi } from "../api/api-client.ts";
import { isReachable } from "../api/page-live.ts";

/** Something of the API as it was read last. */
export interface Read<Value> {
  readonly value?: Value;
  /** Of the last attempt; what was read before stays. */
  readonly failure?: unknown;
}

export const storage = signal<Read<Storage>>({});
export const preview = signal<Read<RetentionPreview>>({});
export const pins = signal<Read<readonly Pin[]>>({});
/** Counts the changes that lists of uploads follow. */
export const queueVersion = signal(0);

const storageMs = 2_500;
/** A preview looks at every segment that is past a quota. */
const previewMs = 30_000;
/** Rows of the list of pins. */
const pinCount = 1_000;

export async function readStorage(): Promise<void> {
  await read(storage, () => readApi<Storage>("/storage"));
  queueVersion.value += 1;
}

export function readPreview(): Promise<void> {
  return read(preview, () => readApi<RetentionPreview>("/retention/preview"));
}

export function readPins(): Promise<void> {
  return read(pins, async () => (await readApi<{ readonly pins: readonly Pin[] }>("/pins", { limit: pinCount })).pins);
}

/** Keeps all of it fresh while a view shows it and the page is visible. */
export function useStorage(): void {
  useEffect(() => {
    const polls = [
      { look: readStorage, everyMs: storageMs },
      { look: readPreview, everyMs: previewMs },
      { look: readPins, everyMs: previewMs },
    ];
    const timers = polls.map(({ look, everyMs }) => {
      void look();
      return setInterval(() => void (document.hidden ? undefined : look()), everyMs);
    });
    return () => timers.forEach(clearInterval);
  }, []);
}

/**
 * Lets failed uploads be tried again now.
 *
 * @param which - those of an error, one, or all
 * @returns how many were not due already
 */
export async function retryUploads(which: {
  readonly code?: string;
  readonly ids?: readonly number[];
}): Promise<number> {
  const { retried } = await writeApi<{ readonly retried: number }>("POST", "/uploads/retry", which);
  await readStorage();
  return retried;
}

async function read<Value>(target: Signal<Read<Value>>, ask: () => Promise<Value>): Promise<void> {
  try {
    target.value = { value: await ask() };
    isReachable.value = true;
  } catch (failure) {
    // What is shown stays.
    target.value = { ...target.peek(), failure };
    if (!(failure instanceof ApiError)) isReachable.value = false;
  }
}
