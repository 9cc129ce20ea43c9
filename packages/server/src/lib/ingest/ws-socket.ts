import { wireErrors } from "@eet/protocol";
import { WebSocket } from "ws";
import { systemErrorCode } from "../kernel/errors.ts";

/** What ws calls a message that is over one of the limits of size, fragments or chunks. */
const tooBigCodes: ReadonlySet<string> = new Set([
  "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH",
  "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH",
  "WS_ERR_TOO_MANY_BUFFERED_PARTS",
]);

/**
 * A WebSocket that tells the client why a message was too big: ws closes with a bare status of its own (1009, or 1008 for
 * too many fragments), devices expect 1009 "too big". [P-1.9] And one that answers the client's CLOSE when it likes to.
 */
export class WsSocket extends WebSocket {
  /**
   * Called with what the client's CLOSE says when it has come, behind its last message; its code is 1005 when it has
   * none. @returns when it may be answered; never rejects
   */
  onClientClose: ((code: number, reason: string) => Promise<void>) | undefined;

  override close(code?: number, reason?: string | Buffer): void {
    // Only ws itself closes without a reason or with bytes of one: those that the client's CLOSE had.
    const isAnswer = code === undefined || reason instanceof Buffer;
    if (isAnswer && this.onClientClose !== undefined && this.readyState === this.OPEN) {
      void this.onClientClose(code ?? 1005, String(reason ?? "")).then(() => super.close(code, reason));
    } else if (reason === undefined && (code === 1008 || code === 1009)) {
      super.close(wireErrors.MESSAGE_TOO_BIG.closeCode, wireErrors.MESSAGE_TOO_BIG.closeReason);
    } else {
      super.close(code, reason);
    }
  }
}

/** The violation that an `error` event of ws tells of; `undefined` when the transport failed, which `close` follows. */
export function violationOf(error: Error): "MESSAGE_TOO_BIG" | "MESSAGE_INVALID" | undefined {
  const code = systemErrorCode(error);
  if (code === undefined || !code.startsWith("WS_ERR_")) return undefined;
  return tooBigCodes.has(code) ? "MESSAGE_TOO_BIG" : "MESSAGE_INVALID";
}
