import { type WireErrorCode, type WireErrorRow, wireErrors } from "./error-table.ts";

/** A message that violates the wire protocol: the sender must act. */
export class ProtocolError extends Error {
  readonly code: WireErrorCode;

  /**
   * @param code - row of the table of wire violations
   * @param message - what was received and what is allowed
   */
  constructor(code: WireErrorCode, message: string) {
    super(message);
    this.name = "ProtocolError";
    this.code = code;
  }

  /** Close code, reason, retry and fix. */
  get row(): WireErrorRow {
    return wireErrors[this.code];
  }
}
