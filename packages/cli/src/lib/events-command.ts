import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import type { CommandContext } from "./command-context.ts";
import { AwayError } from "./command-error.ts";
import type { ApiClient, ApiQuery } from "./library/api-client.ts";
import { addSourceFlags, type SourceFlags, withSource } from "./library/choose-source.ts";
import { readHwid } from "./library/hwid-argument.ts";
import { formatOffsetTime, toPrintable } from "./library/text-table.ts";
import { wholeNumber } from "./number-argument.ts";
import { registerReplayCommand } from "./replay-command.ts";

/** An event, as the API shows it. */
interface Event {
  readonly id: number;
  readonly type: string;
  readonly time: string;
  readonly hwid: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

interface EventPage {
  readonly events: readonly Event[];
  readonly next_after: number;
  readonly first_id: number;
  readonly last_id: number;
}

interface EventsFlags extends SourceFlags {
  readonly follow?: true;
  readonly type?: string;
  readonly hwid?: string;
  readonly after?: number;
  readonly json?: true;
}

const pageLimit = 1000;
/** Time between two looks at a log that is followed. */
const followIntervalMs = 500;
/** The same while the server does not answer. */
const awayIntervalMs = 2_000;
/** Events shown when nobody says where to begin. */
const defaultTailCount = 100;

/** Adds the command `events` with its subcommand `replay`. */
export function registerEventsCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("events")
    .summary("list or follow what happens: the event log")
    .description(
      `Lists events, oldest first: those behind --after, else about the last ${defaultTailCount}. docs/events.md tells what each is.`,
    )
    .option("--follow", "goes on with those that come, until Ctrl-C")
    .option("--type <types>", "those of some types, separated by commas")
    .option("--hwid <hwid>", "those of one device", readHwid)
    .option("--after <id>", "those with a greater id; 0 for all that is kept", wholeNumber(0, Number.MAX_SAFE_INTEGER))
    .option("--json", "one JSON object per event, as webhooks get it");
  addSourceFlags(command);
  command.action((flags: EventsFlags) => withSource(flags, context, (client) => listEvents(client, flags, context)));
  registerReplayCommand(command, context);
}

async function listEvents(
  client: ApiClient,
  flags: EventsFlags,
  { terminal, interruption }: CommandContext,
): Promise<void> {
  const filter = { types: flags.type, hwid: flags.hwid };
  const query = { ...filter, limit: pageLimit };
  let after = flags.after ?? (await startOf(client, filter, flags.follow === true));
  let eventCount = 0;
  const follower = new Follower(client, { terminal, interruption });
  while (!interruption.aborted) {
    const place = { ...query, after };
    const page = await (flags.follow ? follower.read(place) : readPage(client, place, interruption));
    if (page === undefined) break;
    if (page.first_id > after + 1 && after > 0)
      terminal.err.write(`events ${after + 1} to ${page.first_id - 1} are no longer kept\n`);
    for (const event of page.events) terminal.out.write(flags.json ? `${JSON.stringify(event)}\n` : formatEvent(event));
    eventCount += page.events.length;
    after = page.next_after;
    if (page.events.length === pageLimit) continue;
    if (!flags.follow) break;
    await sleep(followIntervalMs, undefined, { signal: interruption }).catch(() => {});
  }
  if (eventCount === 0 && !flags.follow && !flags.json) terminal.err.write("no events\n");
}

/** Reads the log of a server that may be started again meanwhile. */
class Follower {
  readonly #client: ApiClient;
  readonly #context: Pick<CommandContext, "terminal" | "interruption">;
  /** A server that has never answered is a wrong address. */
  #hasAnswered = false;

  constructor(client: ApiClient, context: Pick<CommandContext, "terminal" | "interruption">) {
    this.#client = client;
    this.#context = context;
  }

  /** Waits for a server that is away. @returns `undefined` when it was interrupted */
  async read(query: ApiQuery): Promise<EventPage | undefined> {
    const { terminal, interruption } = this.#context;
    for (let isTold = false; !interruption.aborted; isTold = true) {
      try {
        const page = await readPage(this.#client, query, interruption);
        if (isTold) terminal.err.write("it answers again\n");
        this.#hasAnswered = true;
        return page;
      } catch (error) {
        if (!this.#hasAnswered || !isAway(error)) throw error;
        if (!isTold) terminal.err.write(`${this.#client.source.name} does not answer: asked again until it does\n`);
      }
      await sleep(awayIntervalMs, undefined, { signal: interruption }).catch(() => {});
    }
    return undefined;
  }
}

/** An answer that breaks off is a TypeError of fetch's. */
function isAway(error: unknown): boolean {
  return error instanceof AwayError || error instanceof TypeError;
}

/** @returns `undefined` when it was interrupted */
async function readPage(client: ApiClient, query: ApiQuery, interruption: AbortSignal): Promise<EventPage | undefined> {
  try {
    return await client.get<EventPage>("/events", query);
  } catch (error) {
    if (interruption.aborted) return undefined;
    throw error;
  }
}

/** Where to begin when nobody says: a follower at the end, a list so that about the last 100 come. */
async function startOf(client: ApiClient, filter: ApiQuery, isFollower: boolean): Promise<number> {
  const { last_id: lastId, first_id: firstId } = await client.get<EventPage>("/events", { limit: 1 });
  if (isFollower) return lastId;
  const query = { ...filter, limit: defaultTailCount };
  // Ids jump where a server was started: the distance does not tell how many there are.
  for (let distance = defaultTailCount; lastId - distance >= firstId; distance *= 4) {
    const { events } = await client.get<EventPage>("/events", { ...query, after: lastId - distance });
    if (events.length >= defaultTailCount) return lastId - distance;
  }
  return 0;
}

function formatEvent({ id, type, time, hwid, data }: Event): string {
  return `${String(id).padStart(6)}  ${formatOffsetTime(time)}  ${type.padEnd(16)}  ${(hwid ?? "-").padEnd(12)}  ${toPrintable(formatData(data))}\n`;
}

/** The plain facts of an event, in a line: `name=value`. */
function formatData(data: Event["data"]): string {
  return Object.entries(data)
    .filter(([, value]) => ["string", "number", "boolean"].includes(typeof value))
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}
