import { finished, Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { EventLog } from "../catalog/event-log.ts";
import type { EventFeed, FeedFilter } from "../events/event-feed.ts";
import { addressKeyOf } from "../kernel/client-address.ts";
import { LimitError } from "../kernel/errors.ts";
import { KeyedCounts } from "../kernel/keyed-counts.ts";
import type { ServerEvent } from "../kernel/server-event.ts";

/** A comment is sent after so long without an event: proxies end connections that are silent. */
const defaultHeartbeatMs = 15_000;
/** Each reads the log for itself. */
const defaultBounds: EventStreamBounds = { maxClientCount: 100, maxPerAddress: 100 };
/** A client that does not read is given so long to take the end. */
const maxEndMs = 1_000;
/** Time that a client waits before it comes back. */
const retryMs = 2_000;

/** How many clients there may be at once. */
export interface EventStreamBounds {
  readonly maxClientCount: number;
  /** From one address. */
  readonly maxPerAddress: number;
}

export interface EventStreamsOptions {
  readonly feed: Pick<EventFeed, "follow">;
  readonly events: Pick<EventLog, "firstId" | "lastId">;
  /** Default 15 s. */
  readonly heartbeatMs?: number;
  /** Looked at with each request; default 100 each. */
  readonly bounds?: () => EventStreamBounds;
}

/** Clients that follow the event log by server-sent events. */
export class EventStreams {
  readonly #options: EventStreamsOptions;
  /** With what resolves when the answer is through. */
  readonly #clients = new Map<AbortController, Promise<void>>();
  readonly #byAddress = new KeyedCounts<string>();
  #isClosed = false;

  constructor(options: EventStreamsOptions) {
    this.#options = options;
  }

  /** Clients that follow at this moment. */
  get clientCount(): number {
    return this.#clients.size;
  }

  /**
   * Answers with a stream that ends when the client goes away or the server stops.
   *
   * @param afterId - the last event that the client has; `undefined`: from now on
   * @throws LimitError `EVENT_STREAM_LIMIT`, `VIEWER_ADDRESS_LIMIT`, `SHUTTING_DOWN`
   */
  open(request: FastifyRequest, reply: FastifyReply, afterId: number | undefined, filter: FeedFilter): unknown {
    const { maxClientCount, maxPerAddress } = this.#options.bounds?.() ?? defaultBounds;
    if (this.#isClosed) throw new LimitError("SHUTTING_DOWN", "the server stops");
    if (this.#clients.size >= maxClientCount) {
      throw new LimitError(
        "EVENT_STREAM_LIMIT",
        `${this.#clients.size} of ${maxClientCount} clients follow the events`,
      );
    }
    const address = addressKeyOf(request.ip);
    if (address !== undefined && this.#byAddress.of(address) >= maxPerAddress) {
      const detail = `${this.#byAddress.of(address)} of ${maxPerAddress} clients of ${address} follow the events`;
      throw new LimitError("VIEWER_ADDRESS_LIMIT", detail);
    }
    reply
      .type("text/event-stream; charset=utf-8")
      .header("cache-control", "no-store")
      .header("x-accel-buffering", "no");
    if (request.method === "HEAD") return reply.send(Readable.from([]));
    const start = this.#startOf(afterId);
    const controller = new AbortController();
    const ended = Promise.withResolvers<void>();
    this.#clients.set(controller, ended.promise);
    const leave = address === undefined ? undefined : this.#byAddress.add(address);
    finished(reply.raw, () => {
      leave?.();
      this.#clients.delete(controller);
      controller.abort();
      ended.resolve();
    });
    return reply.send(Readable.from(this.#write(start, filter, controller.signal), { objectMode: false }));
  }

  /** Ends all streams and takes no more. @returns when they are through, or a second has passed; never rejects */
  async close(): Promise<void> {
    this.#isClosed = true;
    const ended = [...this.#clients.values()];
    for (const controller of this.#clients.keys()) controller.abort();
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, maxEndMs);
    await Promise.race([Promise.all(ended), late]);
    clearTimeout(timer);
  }

  /** Looked up when the request comes, not when the answer is read: what is appended from then on belongs to it. */
  #startOf(afterId: number | undefined): { readonly startId: number; readonly preface: string } {
    const { firstId, lastId } = this.#options.events;
    const retry = `retry: ${retryMs}\n\n`;
    if (afterId === undefined) return { startId: lastId, preface: retry };
    // Who asks for all that is kept misses nothing.
    const isLost = afterId > 0 && (afterId > lastId || afterId + 1 < firstId);
    // The log was begun anew.
    const startId = afterId > lastId ? lastId : afterId;
    return { startId, preface: isLost ? retry + formatLoss(firstId, lastId) : retry };
  }

  async *#write(
    { startId, preface }: { readonly startId: number; readonly preface: string },
    filter: FeedFilter,
    signal: AbortSignal,
  ): AsyncGenerator<string> {
    const { feed, heartbeatMs = defaultHeartbeatMs } = this.#options;
    yield preface;
    yield* withHeartbeat(feed.follow(startId, filter, signal), heartbeatMs);
  }
}

async function* withHeartbeat(events: AsyncGenerator<ServerEvent>, heartbeatMs: number): AsyncGenerator<string> {
  let timer: NodeJS.Timeout | undefined;
  try {
    for (let next = events.next(); ; ) {
      const beat = new Promise<"beat">((resolve) => {
        timer = setTimeout(resolve, heartbeatMs, "beat");
      });
      const first = await Promise.race([next, beat]);
      clearTimeout(timer);
      if (first === "beat") {
        yield ": still here\n\n";
        continue;
      }
      if (first.done === true) return;
      yield formatEvent(first.value);
      next = events.next();
    }
  } finally {
    clearTimeout(timer);
    await events.return(undefined);
  }
}

/** One message. JSON holds no line break, so one `data` line is enough. */
function formatEvent(event: ServerEvent): string {
  return `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** Told to a client that has missed events which the log does not hold any more: it has to look at the state anew. */
function formatLoss(firstId: number, lastId: number): string {
  return `event: log.gap\ndata: ${JSON.stringify({ first_id: firstId, last_id: lastId })}\n\n`;
}
