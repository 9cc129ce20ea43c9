import { ProtocolError, type WireErrorCode, type WireErrorRow } from "@eet/protocol";
import { type ErrorRow, type ServerErrorCode, serverErrors } from "../kernel/error-table.ts";
import { ServerError } from "../kernel/errors.ts";

/** How a connection ended: a row of an error table, or the client's own doing. */
export type EndingCode = WireErrorCode | ServerErrorCode | "CLIENT_CLOSED" | "CLIENT_LOST" | "FINISHED";

/** The end of a connection. */
export interface Ending {
  readonly code: EndingCode;
  readonly detail: string;
  /** `undefined`: TCP was dropped, or the client ended the connection. */
  readonly closeFrame?: CloseFrame | undefined;
  /** The defect behind `INTERNAL`. */
  readonly err?: Error;
}

/** What a CLOSE frame says. */
export interface CloseFrame {
  readonly code: number;
  /** At most 123 bytes. */
  readonly reason: string;
}

/**
 * The end that an error calls for.
 *
 * @param isAcked - whether `eet.v1+ack` is negotiated: then each end has a code [P-2.8]; else what a new try may repair
 *   has none [P-1.9]
 */
export function endingOf(error: Error, isAcked: boolean): Ending {
  if (error instanceof ProtocolError) {
    const closeFrame = isAcked ? ackCloseFrame(error.row) : plainCloseFrame(error.row);
    return { code: error.code, detail: error.message, closeFrame };
  }
  const known = error instanceof ServerError;
  const row: ErrorRow = known ? error.row : serverErrors.INTERNAL;
  return {
    code: known ? error.code : "INTERNAL",
    detail: error.message,
    closeFrame: isAcked ? ackCloseFrame({ ackCloseCode: 1011, ...row }) : undefined,
    ...(!known && { err: error }),
  };
}

function plainCloseFrame({ closeCode, closeReason }: WireErrorRow): CloseFrame | undefined {
  return closeCode === undefined ? undefined : { code: closeCode, reason: closeReason ?? "" };
}

function ackCloseFrame({ ackCloseCode, closeReason, title }: AckRow): CloseFrame {
  return { code: ackCloseCode, reason: closeReason ?? title };
}

interface AckRow {
  readonly ackCloseCode: number;
  readonly closeReason?: string;
  readonly title: string;
}
