import { LimitError } from "../kernel/errors.ts";
import type { LimitTally } from "../kernel/limit-tally.ts";

/** What of a connection is used. */
interface Sheddable {
  expel(error: LimitError): void;
}

/** From here on nobody is let in. */
const refuseShare = 0.8;
/** Of the connections, ended at each look. */
const shedShare = 0.1;

export interface QueueGuardOptions {
  /** 0: no limit. Looked at each time. */
  readonly maxQueuedBytes: number;
  /** What has been received and is not on disk yet, messages that are not whole included. */
  readonly queuedBytes: () => number;
  readonly tally: LimitTally | undefined;
}

/**
 * Bounds what is received and not on disk, of all connections together: each by itself is bounded already, but ten thousand
 * of them are not. Who came last goes first, until there is room; what was taken is written all the same.
 */
export class QueueGuard {
  readonly #options: QueueGuardOptions;
  /** What is ending already takes a while to be gone. */
  readonly #shed = new WeakSet<Sheddable>();
  #bytes = 0;

  constructor(options: QueueGuardOptions) {
    this.#options = options;
    const { maxQueuedBytes, tally } = options;
    if (maxQueuedBytes > 0) tally?.show("OVERLOADED", () => ({ used: this.#bytes, allowed: options.maxQueuedBytes }));
  }

  /** Why nobody may connect, by the last {@link look}. */
  get refusal(): LimitError | undefined {
    const { maxQueuedBytes } = this.#options;
    if (maxQueuedBytes === 0 || this.#bytes < maxQueuedBytes * refuseShare) return undefined;
    return new LimitError("OVERLOADED", this.#describe());
  }

  /** Looks how much there is, about once a second. @param connections - in the order in which they came */
  look(connections: readonly Sheddable[]): void {
    const { maxQueuedBytes, queuedBytes } = this.#options;
    if (maxQueuedBytes === 0) return;
    this.#bytes = queuedBytes();
    if (this.#bytes < maxQueuedBytes) return;
    const open = connections.filter((connection) => !this.#shed.has(connection));
    for (const connection of open.slice(-Math.ceil(open.length * shedShare)).reverse()) {
      this.#shed.add(connection);
      connection.expel(new LimitError("OVERLOADED", this.#describe()));
    }
  }

  #describe(): string {
    const mb = (bytes: number) => Math.round(bytes / 1e6);
    return `${mb(this.#bytes)} MB wait for the disk; allowed are ${mb(this.#options.maxQueuedBytes)} MB`;
  }
}
