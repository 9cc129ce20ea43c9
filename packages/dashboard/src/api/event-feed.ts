/** Browsers try again by themselves where a connection breaks, but not where the server answers with an error. */
const retryMs = 5_000;

export interface EventFeedOptions {
  readonly url: string;
  /** Types of events that are told of. */
  readonly types: readonly string[];
  onEvent(event: MessageEvent<string>): void;
  /** It is open again: what came meanwhile was missed. */
  onReopen(): void;
  /** Wait after a refusal, ms; default 5 000. */
  readonly retryMs?: number;
}

/** The server's events: followed while the page is visible, for browsers open few connections to a server. */
export class EventFeed {
  readonly #options: EventFeedOptions;
  #source: EventSource | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wasOpen = false;

  /** Opens it at its first {@link setHidden}. */
  constructor(options: EventFeedOptions) {
    this.#options = options;
  }

  /** @param isHidden - nobody sees the page: nothing is followed */
  setHidden(isHidden: boolean): void {
    if (isHidden) this.close();
    else if (this.#source === undefined) this.#open();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = undefined;
  }

  #open(): void {
    clearTimeout(this.#timer);
    const { url, types, onEvent, onReopen } = this.#options;
    const source = new EventSource(url);
    this.#source = source;
    source.addEventListener("open", () => {
      if (this.#wasOpen) onReopen();
      this.#wasOpen = true;
    });
    source.addEventListener("error", () => {
      if (this.#source !== source || source.readyState !== EventSource.CLOSED) return;
      this.#timer = setTimeout(() => this.#open(), this.#options.retryMs ?? retryMs);
    });
    for (const type of types) source.addEventListener(type, onEvent);
  }
}
