import type { IncomingMessage } from "node:http";
import type { Clock } from "../kernel/clock.ts";
import { type ServerError, toError } from "../kernel/errors.ts";
import { remoteOf } from "../kernel/forwarded-client.ts";
import type { LimitTally } from "../kernel/limit-tally.ts";
import { LineRation } from "../kernel/line-ration.ts";
import type { Log } from "../kernel/log.ts";
import { pathOf } from "./route.ts";

/** Of a path that a client asked for. */
const maxPathLength = 80;
/** Of each code, in a minute: enough to look into one, and no way to fill a disk. */
const maxLines = 10;

export interface RefusalLogOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly tally?: Pick<LimitTally, "note"> | undefined;
  /** Of a line. */
  readonly message: string;
}

/**
 * Tells of upgrade requests that were refused, which anybody can cause: ten lines a minute of each code, with how many were
 * left out. Limits are counted for each one.
 */
export class RefusalLog {
  readonly #options: RefusalLogOptions;
  readonly #ration: LineRation;

  constructor(options: RefusalLogOptions) {
    this.#options = options;
    this.#ration = new LineRation({ clock: options.clock, maxLines });
  }

  note(request: IncomingMessage, { code, message: detail, cause }: ServerError): void {
    const { log, tally, message } = this.#options;
    tally?.note(code);
    const leftOut = this.#ration.take(code);
    if (leftOut === undefined) return;
    // The query string may hold a token, so it is not logged.
    const path = pathOf(request.url ?? "").slice(0, maxPathLength);
    const error = cause === undefined ? {} : { error: toError(cause).message };
    log.warn({ path, remote: remoteOf(request), code, detail, ...error, ...leftOut }, message);
  }
}
