import type { AccessMode } from "../access/access.ts";
import { FailureLimit } from "../access/failure-limit.ts";
import { addressKeyOf } from "../kernel/client-address.ts";
import type { Clock } from "../kernel/clock.ts";
import type { ServerErrorCode } from "../kernel/error-table.ts";
import { LimitError } from "../kernel/errors.ts";
import type { ApiLimits } from "./api-limits.ts";

/** Over which requests are counted, those that are let in too: a page that opens asks for much at once. */
export const apiRateWindowS = 10;

/** What is refused before the rate of those who are let in is looked at. */
const refusals: ReadonlySet<ServerErrorCode> = new Set([
  ...(["CREDENTIALS_MISSING", "TOKEN_INVALID", "ROLE_REFUSED", "HOST_REFUSED", "ORIGIN_REFUSED"] as const),
]);

export interface RefusalRateOptions {
  readonly clock: Pick<Clock, "monotonicMs">;
  /** Looked at with each request. */
  readonly limits: Pick<ApiLimits, "maxApiRequestsPerS">;
  readonly mode: () => AccessMode;
}

/** Whether a client is counted by its address: those of this machine are not where the server is open to them. */
export function isAddressCounted(address: string | undefined, mode: AccessMode): boolean {
  return mode !== "local" || addressKeyOf(address) !== undefined;
}

/**
 * Bounds how often one address is refused, as often as it could ask. Who shows a good token there is let in all the same:
 * nobody locks out another behind the same address.
 */
export class RefusalRate {
  readonly #options: RefusalRateOptions;
  readonly #limit: FailureLimit;

  constructor(options: RefusalRateOptions) {
    this.#options = options;
    const { clock, limits } = options;
    const maxCount = () => limits.maxApiRequestsPerS * apiRateWindowS;
    this.#limit = new FailureLimit({ clock, maxCount, windowMs: apiRateWindowS * 1000 });
  }

  /** Counts an error if it is a refusal. @returns seconds to wait, once an address has been refused too often; else 0 */
  note(code: ServerErrorCode, address: string): number {
    const { limits, mode } = this.#options;
    if (!refusals.has(code) || limits.maxApiRequestsPerS === 0 || !isAddressCounted(address, mode())) return 0;
    const waitS = this.#limit.waitS(address);
    if (waitS === 0) this.#limit.note(address);
    return waitS;
  }
}

/** What is answered then instead. */
export function tooManyRefusals(waitS: number): LimitError {
  return new LimitError("API_RATE_LIMIT", `too many requests of this address were refused; wait ${waitS} s`);
}
