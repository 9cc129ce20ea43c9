import { finished } from "node:stream";
import type { FastifyReply } from "fastify";

/** Aborted as soon as nobody waits for an answer any more: it is through, or its client is gone. */
export function leavingOf({ raw }: FastifyReply): AbortSignal {
  const leaving = new AbortController();
  finished(raw, () => leaving.abort());
  return leaving.signal;
}
