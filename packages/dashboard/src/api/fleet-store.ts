import type { Device, Session } from "@eet/server/api-types";
import { signal } from "@preact/signals";
import { ApiError, checkAnswer, describeError, readApi } from "./api-client.ts";
import { EventFeed } from "./event-feed.ts";
import { keepSame } from "./keep-same.ts";
import { isReachable } from "./page-live.ts";
import { parseServerFacts, type ServerFacts } from "./server-facts.ts";
import { SessionLookup } from "./session-lookup.ts";

/** Devices a page of the API holds at most. */
const pageLength = 1_000;
const refreshMs = 15_000;
/** Events that come together are answered by one look. */
const gatherMs = 400;
/** A look at the fleet is a look at each device: at most so often. */
const restMs = 2_000;
/** What changes what the fleet shows. */
const eventTypes = [
  "device.online",
  "device.offline",
  "health.changed",
  "session.started",
  "session.ended",
  "storage.low",
];

/** Every device; `undefined` until they are read for the first time. */
export const devices = signal<readonly Device[] | undefined>(undefined);
export const serverFacts = signal<ServerFacts | undefined>(undefined);
/** Why the fleet cannot be read, though the server answers; empty: it can. */
export const fleetProblem = signal("");

let isRunning = false;
let isLoading = false;
let isStale = false;
let lastLoadMs = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
const lookup = new SessionLookup(readSessions);

/** Newest session of each device that was looked up, by `hwid` or `~`. */
export const { sessions } = lookup;

/** Reads the fleet now and keeps it fresh while the page is visible. Called again it does nothing. */
export function followFleet(): void {
  if (isRunning) return;
  isRunning = true;
  // Those of the newest sessions come with one request.
  void lookup.readNewest();
  void load();
  const feed = new EventFeed({
    url: `/api/v1/events/stream?types=${eventTypes.join(",")}`,
    types: eventTypes,
    onEvent: ({ data }) => {
      const { hwid } = JSON.parse(data) as { readonly hwid: string | null };
      lookup.outdate(hwid ?? "~");
      scheduleSoon();
    },
    onReopen: () => {
      lookup.outdateAll();
      scheduleSoon();
    },
  });
  feed.setHidden(document.hidden);
  document.addEventListener("visibilitychange", () => {
    feed.setHidden(document.hidden);
    if (!document.hidden) schedule(0);
  });
}

/** Asks for the sessions of devices that are on screen. */
export function wantSessions(hwids: readonly string[]): void {
  lookup.show(hwids);
}

function scheduleSoon(): void {
  schedule(Math.max(gatherMs, lastLoadMs + restMs - Date.now()));
}

function schedule(waitMs: number): void {
  isStale = true;
  // It is read when somebody looks again.
  if (document.hidden) return;
  clearTimeout(timer);
  timer = setTimeout(() => void load(), waitMs);
}

async function load(): Promise<void> {
  if (isLoading) return;
  isLoading = true;
  isStale = false;
  lastLoadMs = Date.now();
  try {
    const [found, facts] = await Promise.all([readDevices(), readFacts()]);
    devices.value = keepSame(devices.peek() ?? [], found, ({ hwid }) => hwid ?? "~");
    serverFacts.value = facts;
    isReachable.value = true;
    fleetProblem.value = "";
  } catch (error) {
    // The bar tells of it, and it is asked again.
    isReachable.value = error instanceof ApiError;
    // Who is logged out is asked to log in.
    const isTold = error instanceof ApiError && error.status !== 401;
    fleetProblem.value = isTold ? describeError(error) : "";
  } finally {
    isLoading = false;
    clearTimeout(timer);
    const isFine = isReachable.value && fleetProblem.value === "";
    const waitMs = isFine ? refreshMs : refreshMs / 5;
    timer = setTimeout(() => void (document.hidden ? undefined : load()), isStale ? restMs : waitMs);
  }
}

async function readDevices(): Promise<readonly Device[]> {
  const all: Device[] = [];
  let cursor: string | undefined;
  do {
    const query = { limit: pageLength, cursor };
    const page = await readApi<{ devices: readonly Device[]; next_cursor: string | null }>("/devices", query);
    all.push(...page.devices);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return all;
}

async function readFacts(): Promise<ServerFacts> {
  const response = await checkAnswer(await fetch("/api/v1/metrics"));
  return parseServerFacts(await response.text());
}

async function readSessions(hwid: string | undefined): Promise<readonly Session[]> {
  const query = { order: "desc", limit: hwid === undefined ? pageLength : 1, hwid };
  return (await readApi<{ sessions: readonly Session[] }>("/sessions", query)).sessions;
}
