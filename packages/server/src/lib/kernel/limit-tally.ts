import type { ServerErrorCode } from "./error-table.ts";

/** Limits by the codes of the errors that they answer with, or would if anybody could be answered. */
export const limitCodes = [
  ...["SOCKET_LIMIT", "HEADERS_TOO_LARGE", "REQUEST_TIMEOUT", "BODY_TOO_LARGE", "JSON_TOO_DEEP"],
  ...["CONNECTION_LIMIT", "DEVICE_LIMIT", "ADDRESS_LIMIT", "HANDSHAKE_LIMIT", "HANDSHAKE_TIMEOUT"],
  ...["MESSAGE_TOO_BIG", "CONTROL_LIMIT", "INGRESS_LIMIT", "OVERLOADED"],
  ...["LOGIN_LIMIT", "API_RATE_LIMIT", "EXPORT_LIMIT", "PICTURE_LIMIT"],
  ...["EVENT_STREAM_LIMIT", "VIEWER_LIMIT", "VIEWER_ADDRESS_LIMIT", "SUBSCRIPTION_LIMIT"],
  ...["SIMULATION_LIMIT", "TLS_HANDSHAKE_TIMEOUT"],
] as const satisfies readonly (ServerErrorCode | "HANDSHAKE_TIMEOUT" | "MESSAGE_TOO_BIG" | "TLS_HANDSHAKE_TIMEOUT")[];

/** One of {@link limitCodes}. */
export type LimitCode = (typeof limitCodes)[number];

/** How far a limit is used at a moment. */
export interface LimitUse {
  readonly used: number;
  readonly allowed: number;
}

/** Counts by limit who was refused, ended or slowed, since the start. */
export class LimitTally {
  readonly #counts = new Map<string, number>(limitCodes.map((code) => [code, 0]));
  readonly #uses = new Map<LimitCode, () => LimitUse>();

  /** Counts an error if it is that of a limit. */
  note(code: string): void {
    const count = this.#counts.get(code);
    if (count !== undefined) this.#counts.set(code, count + 1);
  }

  /** Has the use of a limit shown. */
  show(code: LimitCode, use: () => LimitUse): void {
    this.#uses.set(code, use);
  }

  /** By limit, those of which nobody has met the bound included. */
  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  /** By limit, those that can be counted. */
  get uses(): Readonly<Record<string, LimitUse>> {
    return Object.fromEntries([...this.#uses].map(([code, use]) => [code, use()]));
  }
}
