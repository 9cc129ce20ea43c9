import type { AuditLog } from "./audit-store.ts";

/** Time for which there is one line at most. */
const intervalMs = 60_000;

/**
 * Has requests in the audit log that were refused before anybody was known: whoever likes can send as many as they like, so
 * that there is a line for the first one, and then one a minute with how many they were.
 */
export class RefusedActs {
  readonly #audit: Pick<AuditLog, "note">;
  #count = 0;
  /** Of the last one. */
  #address = "";
  #timer: NodeJS.Timeout | undefined;

  constructor(audit: Pick<AuditLog, "note">) {
    this.#audit = audit;
  }

  note(address: string): void {
    this.#count += 1;
    this.#address = address;
    if (this.#timer === undefined) this.#write();
  }

  /** Writes what was counted since the last line; idempotent. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#count > 0) this.#writeLine();
  }

  #write(): void {
    this.#timer = undefined;
    if (this.#count === 0) return;
    this.#writeLine();
    this.#timer = setTimeout(() => this.#write(), intervalMs).unref();
  }

  #writeLine(): void {
    const facts = { count: this.#count };
    this.#count = 0;
    void this.#audit.note({ act: "requests.refused", who: "nobody", address: this.#address, facts });
  }
}
