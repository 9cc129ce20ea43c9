import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { ServerError } from "../kernel/errors.ts";

/**
 * Answers an upgrade request with a plain HTTP error and ends its connection. [P-3.1]
 *
 * @param socket - may be gone already
 */
export function refuseUpgrade(socket: Duplex, error: ServerError): void {
  const { title, fix, httpStatus = 500 } = error.row;
  const problem = { title, status: httpStatus, detail: error.message, code: error.code, fix };
  const body = JSON.stringify(problem);
  socket.on("error", () => socket.destroy());
  socket.once("finish", () => socket.destroy());
  socket.end(
    [
      `HTTP/1.1 ${httpStatus} ${STATUS_CODES[httpStatus]}`,
      "Content-Type: application/problem+json",
      `Content-Length: ${Buffer.byteLength(body)}`,
      "Sec-WebSocket-Version: 13",
      "Connection: close",
      "",
      body,
    ].join("\r\n"),
  );
}
