// Compares a server's log of events with what stands on disk and in the catalogue, and with what a receiver got.
import { isDeepStrictEqual } from "node:util";
import { type EventWitness, findFileFaults, type TestifiedEvent } from "./event-witness.ts";
import { type RecordedSegment, readSegments } from "./recordings.ts";

/** More gaps than this of one segment are told by one event. */
const maxGapEventCount = 100;
const pageLimit = 1000;

export interface EventEvidence {
  readonly log: readonly TestifiedEvent[];
  /** All that are on disk. */
  readonly segments: readonly RecordedSegment[];
  /** Names of all that the catalogue has. */
  readonly catalogued: readonly string[];
  readonly witness: EventWitness;
  /** `data/received` */
  readonly received: string;
  /** Every session is at its end. */
  readonly isEnded: boolean;
  /** Devices whose sessions may be open all the same: a kill came behind their end, which the server then has not noted. */
  readonly left?: ReadonlySet<string>;
}

interface EventPage {
  readonly events: readonly TestifiedEvent[];
}

interface SegmentPage {
  readonly segments: readonly { readonly name: string }[];
  readonly next_cursor: string | null;
}

async function getJson<T>(url: string): Promise<T> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

/** The whole log. @param origin - `http://host:port` */
export async function readEventLog(origin: string): Promise<readonly TestifiedEvent[]> {
  const log: TestifiedEvent[] = [];
  for (;;) {
    const url = `${origin}/api/v1/events?limit=${pageLimit}&after=${log.at(-1)?.id ?? 0}`;
    const { events } = await getJson<EventPage>(url);
    if (events.length === 0) return log;
    log.push(...events);
  }
}

async function readCatalogued(origin: string): Promise<readonly string[]> {
  const names: string[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const from = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const page: SegmentPage = await getJson(`${origin}/api/v1/segments?limit=${pageLimit}${from}`);
    names.push(...page.segments.map(({ name }) => name));
    cursor = page.next_cursor;
  }
  return names;
}

/** Takes up all of a server that records nothing any more. */
export async function gatherEvidence(
  origin: string,
  facts: Pick<EventEvidence, "received" | "witness" | "isEnded" | "left">,
): Promise<EventEvidence> {
  const [log, catalogued] = await Promise.all([readEventLog(origin), readCatalogued(origin)]);
  return { log, catalogued, segments: await readSegments(facts.received), ...facts };
}

/** What is wrong; nothing when every event is there, once, in order, true, and was delivered. */
export function judgeEvents(evidence: EventEvidence): readonly string[] {
  return [
    ...judgeIds(evidence),
    ...judgeClosed(evidence),
    ...judgeGaps(evidence),
    ...judgeSessions(evidence),
    ...judgePresence(evidence),
    ...judgeDelivered(evidence),
  ];
}

const nameOf = ({ data }: TestifiedEvent) => String(data["name"]);
const sessionOf = ({ data }: TestifiedEvent) => String(data["session"]);
const ofType = ({ log }: EventEvidence, ...types: readonly string[]) => log.filter(({ type }) => types.includes(type));

function groupBy(events: readonly TestifiedEvent[], keyOf: (event: TestifiedEvent) => string) {
  return Map.groupBy(events, keyOf);
}

function judgeIds({ log }: EventEvidence): string[] {
  return log
    .filter(({ id }, index) => id <= (log[index - 1]?.id ?? 0))
    .map(({ id }) => `event ${id} does not follow the one before it`);
}

/** Every segment on disk is catalogued and told of once, with the facts that its files still have. */
function judgeClosed(evidence: EventEvidence): string[] {
  const { segments, catalogued, received } = evidence;
  const faults: string[] = [];
  const told = groupBy(ofType(evidence, "segment.closed"), nameOf);
  const known = new Set(catalogued);
  const names = new Set(segments.map(({ sidecar }) => sidecar.name));
  for (const { sidecar } of segments) {
    const { name, session, index, hwid } = sidecar;
    const [event, ...others] = told.get(name) ?? [];
    if (!known.has(name)) faults.push(`${name} is not catalogued`);
    if (event === undefined) faults.push(`${name} has no segment.closed`);
    else {
      if (others.length > 0) faults.push(`${name} has ${others.length + 1} segment.closed`);
      const isIts = sessionOf(event) === session && event.data["index"] === index && event.hwid === hwid;
      if (!isIts) faults.push(`segment.closed ${event.id} tells of another segment than ${name}`);
      faults.push(...findFileFaults(received, event).map((fault) => `at the end of all ${fault}`));
    }
  }
  for (const name of told.keys()) if (!names.has(name)) faults.push(`segment.closed of ${name}, which does not exist`);
  for (const name of known) if (!names.has(name)) faults.push(`${name} is catalogued and does not exist`);
  return faults;
}

function judgeGaps(evidence: EventEvidence): string[] {
  const told = groupBy(ofType(evidence, "gap.detected"), nameOf);
  return evidence.segments.flatMap(({ sidecar: { name, gaps } }) => {
    const count = told.get(name)?.length ?? 0;
    const expected = Math.min(gaps.length, maxGapEventCount + 1);
    return count === expected ? [] : [`${name} has ${gaps.length} gaps and ${count} gap.detected`];
  });
}

/** Each session is started once, before all else of it; ends and resumptions take turns. */
function judgeSessions(evidence: EventEvidence): string[] {
  const faults: string[] = [];
  const types = ["session.started", "segment.closed", "gap.detected", "session.ended", "session.resumed"];
  const told = groupBy(ofType(evidence, ...types), sessionOf);
  const recorded = new Set(evidence.segments.map(({ sidecar }) => sidecar.session));
  for (const session of recorded) {
    const events = told.get(session) ?? [];
    const startCount = events.filter(({ type }) => type === "session.started").length;
    if (startCount !== 1) faults.push(`session ${session} has ${startCount} session.started`);
    else if (events[0]?.type !== "session.started") faults.push(`session ${session} begins with ${events[0]?.type}`);
    const turns = events
      .map(({ type }) => type)
      .filter((type) => type === "session.ended" || type === "session.resumed");
    const isInTurn = turns.every((type, at) => type === (at % 2 === 0 ? "session.ended" : "session.resumed"));
    if (!isInTurn) faults.push(`session ${session}: ${turns.join(", ")}`);
    const mustEnd = evidence.isEnded && evidence.left?.has(events[0]?.hwid ?? "") !== true;
    if (mustEnd && turns.at(-1) !== "session.ended") faults.push(`session ${session} has not ended`);
  }
  for (const session of told.keys())
    if (!recorded.has(session)) faults.push(`${session} is told of and does not exist`);
  return faults;
}

function judgePresence(evidence: EventEvidence): string[] {
  const told = groupBy(ofType(evidence, "device.online", "device.offline"), ({ hwid }) => String(hwid));
  return [...told].flatMap(([hwid, events]) => {
    const isInTurn = events.every(({ type }, at) => type === (at % 2 === 0 ? "device.online" : "device.offline"));
    return isInTurn ? [] : [`${hwid}: ${events.map(({ type }) => type).join(", ")}`];
  });
}

/** What was written was delivered, and what was delivered was written, and nothing else under its id. */
function judgeDelivered({ log, witness }: EventEvidence): string[] {
  const written = new Map(log.map((event) => [event.id, event]));
  const missing = log
    .filter(({ id }) => !witness.hasTaken(id))
    .map(({ id, type }) => `${type} ${id} was not delivered`);
  const madeUp = witness.events
    .filter((event) => !isDeepStrictEqual(written.get(event.id), event))
    .map((event) => `${JSON.stringify(event)} was delivered, the log has ${JSON.stringify(written.get(event.id))}`);
  return [...missing, ...madeUp];
}
