import type { FastifyRequest } from "fastify";
import Type, { type Static } from "typebox";
import type { FeedFilter } from "../../events/event-feed.ts";
import { RequestError } from "../../kernel/errors.ts";
import { type EventType, eventTypes, type ServerEvent } from "../../kernel/server-event.ts";
import { type ApiApp, problemAnswers, typedAnswer } from "../api-app.ts";
import type { ApiLoad } from "../api-load.ts";
import type { ApiSources } from "../api-sources.ts";
import { EventStreams } from "../event-streams.ts";
import { Limit, limitOf, queryOf } from "../parameters.ts";

type Sources = Pick<ApiSources, "events" | "feed">;

const EventId = Type.Optional(
  Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: "events with a greater id" }),
);

const filters = {
  types: Type.Optional(Type.String({ maxLength: 1000, description: `separated by commas: ${eventTypes.join(", ")}` })),
  hwid: Type.Optional(Type.String({ pattern: "^[A-Za-z0-9_-]{1,64}$", description: "a device's id" })),
  after: EventId,
};
const ListQuery = queryOf({ ...filters, limit: Limit });
const StreamQuery = queryOf(filters);
type Filters = Static<typeof StreamQuery>;

/** Events by cursor. */
export const EventPage = Type.Object(
  {
    events: Type.Array(Type.Ref("Event")),
    next_after: Type.Integer({ minimum: 0, description: "after of the next call, which may bring none" }),
    first_id: Type.Integer({ description: "oldest event that is still kept; older ones are gone" }),
    last_id: Type.Integer({ description: "newest event" }),
  },
  { $id: "EventPage", additionalProperties: false },
);

const sse =
  "id is the event's id, event its type, data the event as JSON. Last-Event-ID (or after) resumes behind an event, without " +
  "one the stream begins with what comes. A comment comes every 15 s. A message log.gap tells that events between are gone.";

/** `/events` and `/events/stream`. */
export function addEventRoutes(
  app: ApiApp,
  { events, feed }: Sources,
  { limits, tally }: Pick<ApiLoad, "limits" | "tally">,
): void {
  const bounds = () => ({ maxClientCount: limits.maxEventStreams, maxPerAddress: limits.maxViewersPerAddress });
  const streams = new EventStreams({ events, feed, bounds });
  tally.show("EVENT_STREAM_LIMIT", () => ({ used: streams.clientCount, allowed: limits.maxEventStreams }));
  app.addHook("preClose", () => streams.close());
  const tags = ["events"];
  const eventStream = "text/event-stream";
  const listSchema = {
    ...{ operationId: "listEvents", summary: "The event log, oldest first", tags, querystring: ListQuery },
    description: `With Accept: ${eventStream} it answers as /events/stream does.`,
    response: {
      200: typedAnswer("events", { "application/json": "EventPage", [eventStream]: Type.String() }),
      ...problemAnswers,
    },
  };
  app.get("/events", { schema: listSchema }, async (request, reply) => {
    const { limit, ...query } = request.query;
    reply.header("vary", "accept");
    if ((request.headers.accept ?? "").includes(eventStream)) {
      return streams.open(request, reply, resumePoint(request, query), toFilter(query));
    }
    return readPage(events, query, limitOf(limit));
  });

  const streamSchema = {
    ...{ operationId: "followEvents", summary: "Events as they happen (SSE)", description: sse, tags },
    querystring: StreamQuery,
    response: { 200: typedAnswer("a stream without end", { [eventStream]: Type.String() }), ...problemAnswers },
  };
  app.get("/events/stream", { schema: streamSchema }, (request, reply) =>
    streams.open(request, reply, resumePoint(request, request.query), toFilter(request.query)),
  );
}

async function readPage(events: Sources["events"], query: Filters, limit: number) {
  const { after: afterId = 0 } = query;
  // Before the look: what is appended meanwhile belongs to the next page.
  const { firstId, lastId } = events;
  const rows: readonly ServerEvent[] = await events.read({ afterId, limit, ...toFilter(query) });
  const lastRead = rows.at(-1)?.id ?? afterId;
  const next = rows.length < limit ? Math.max(lastRead, lastId) : lastRead;
  return { events: rows, next_after: next, first_id: firstId, last_id: lastId };
}

/** A browser that comes back sends the header; the query is then what it began with. */
function resumePoint({ headers }: FastifyRequest, { after }: Filters): number | undefined {
  const header = headers["last-event-id"];
  if (header === undefined || header === "") return after;
  const id = typeof header === "string" && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
  if (id !== undefined) return id;
  const quoted = JSON.stringify(String(header).slice(0, 60));
  throw new RequestError("PARAMETER_INVALID", `Last-Event-ID is ${quoted}; allowed: the id of an event`);
}

/** @throws RequestError `PARAMETER_INVALID` for a type that does not exist */
function toFilter({ types, hwid }: Filters): FeedFilter {
  return {
    ...(types !== undefined && { types: types.split(",").map(parseType) }),
    ...(hwid !== undefined && { hwid }),
  };
}

function parseType(text: string): EventType {
  const name = text.trim();
  const type = eventTypes.find((known) => known === name);
  if (type !== undefined) return type;
  const allowed = eventTypes.join(", ");
  throw new RequestError("PARAMETER_INVALID", `types has ${JSON.stringify(name.slice(0, 60))}; allowed: ${allowed}`);
}
