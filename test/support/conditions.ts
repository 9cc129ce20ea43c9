/** Tells a wait for what never comes from a machine that is busy with other things: much longer than anything takes. */
const defaultDeadlineMs = 120_000;

/** Waits for states that events bring about: `check` after each event, so that nobody has to sleep. */
export class Conditions {
  readonly #describe: () => string;
  readonly #waiting = new Set<{ readonly look: () => void; readonly giveUp: (reason: string) => void }>();
  #ending: string | undefined;

  /** @param describe - the state at a moment, for messages */
  constructor(describe: () => string) {
    this.#describe = describe;
  }

  /**
   * Resolves as soon as `isSo` holds.
   *
   * @param what - completes "it did not come that ..."
   * @param deadlineMs - default two minutes; rejects then
   */
  until(what: string, isSo: () => boolean, deadlineMs = defaultDeadlineMs): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = () => {
      clearTimeout(timer);
      this.#waiting.delete(entry);
    };
    const entry = {
      look: () => {
        if (!isSo()) return;
        leave();
        resolve();
      },
      giveUp: (reason: string) => {
        leave();
        reject(new Error(`it did not come that ${what}: ${reason}; ${this.#describe()}`));
      },
    };
    const timer = setTimeout(() => entry.giveUp(`${deadlineMs} ms are over`), deadlineMs);
    this.#waiting.add(entry);
    entry.look();
    if (this.#ending !== undefined && this.#waiting.has(entry)) entry.giveUp(this.#ending);
    return promise;
  }

  /** Something has changed. */
  check(): void {
    for (const { look } of [...this.#waiting]) look();
  }

  /** Nothing will change any more: whoever still waits is told so. */
  end(reason: string): void {
    this.#ending = reason;
    this.check();
    for (const { giveUp } of [...this.#waiting]) giveUp(reason);
  }
}
