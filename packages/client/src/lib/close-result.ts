/** How a stream's connection ended. */
export type CloseResult =
  /** The server answered our CLOSE, which travels behind the last frame: it has read every frame that was sent. */
  | { readonly kind: "clean" }
  /** The server answered the upgrade with an HTTP error; `message` and `fix` come from its body. */
  | {
      readonly kind: "refused";
      readonly status: number;
      readonly message: string | undefined;
      readonly fix: string | undefined;
    }
  /** The server took the connection but none of the subprotocols that were offered. [P-2.1] */
  | { readonly kind: "no-subprotocol" }
  /** No WebSocket came about: no such host, nothing listens, or it speaks something else. */
  | { readonly kind: "unreachable"; readonly cause: Error | undefined }
  /** The server sent CLOSE of its own accord; `code` is RFC 6455's or one of [P-2.8]. */
  | { readonly kind: "closed-by-server"; readonly code: number; readonly reason: string }
  /** The connection ended without a CLOSE: a server of version 1 does so for whatever is worth another try. [P-1.9] */
  | { readonly kind: "dropped"; readonly cause: Error | undefined }
  /** The caller's signal ended it. */
  | { readonly kind: "aborted" };

const adviceByCloseCode: Readonly<Record<number, string>> = {
  1000: "it ended the stream before everything was sent; start again",
  1001: "it is restarting; start again in a moment",
  1002: "something on the way changes WebSocket frames; connect without that proxy",
  1003: "it takes binary messages only; check what stands between here and the server",
  1008: "it does not take this format or frame; its log names the field",
  1009: "a frame is larger than it takes; send shorter frames",
  1011: "it failed inside; see its log, then start again",
  4400: "it does not take this handshake; its log names the field",
  4401: "give a valid token",
  4403: "this device may not connect; ask who runs the server",
  4408: "it heard nothing from here; check the network, then start again",
  4409: "a newer connection has the session; make sure that only one instance of the device runs",
  4413: "a frame holds more samples than the format declares; send shorter frames",
  4415: "it does not take this format; its log names the field",
  4422: "it does not take this frame; its log says why",
  4429: "too many connections; start again in half a minute",
  4503: "the server is busy or stopping; start again in a moment",
  4507: "it cannot store; see its log, then start again",
};

const adviceByStatus: Readonly<Record<number, string>> = {
  400: "check the path of the URL and the device id",
  401: "give a valid token",
  403: "this device may not connect; ask who runs the server",
  404: "check the path of the URL, usually /ws",
  429: "too many connections; start again in half a minute",
  503: "the server is busy or stopping; start again in a moment",
};

/** One line that says how the connection ended and what to do, in the form `<what>: <what to do>`. */
export function describeCloseResult(result: CloseResult): string {
  switch (result.kind) {
    case "clean":
      return "the stream was delivered and closed";
    case "aborted":
      return "the stream was aborted: what had been received is kept";
    case "refused": {
      const what = result.message === undefined ? "" : ` (${result.message})`;
      const fix = result.fix ?? adviceByStatus[result.status] ?? "check that the URL names an EET server";
      return `the server refused the connection with status ${result.status}${what}: ${fix}`;
    }
    case "no-subprotocol":
      return "the server selected none of the offered subprotocols: it is older than they are, offer none";
    case "unreachable":
      return `no connection${describeCause(result.cause)}: check the URL and that the server runs`;
    case "closed-by-server": {
      const reason = result.reason === "" ? "" : ` "${result.reason}"`;
      const advice = adviceByCloseCode[result.code] ?? "see its log";
      return `the server closed with ${result.code}${reason}: ${advice}`;
    }
    case "dropped":
      return `the connection broke without a close${describeCause(result.cause)}: the network failed, or the server is restarting, overloaded or cannot store; see its log, then start again`;
  }
}

/** The message in brackets; an AggregateError (one host, several addresses) has only a code. */
function describeCause(cause: Error | undefined): string {
  if (cause === undefined) return "";
  const text = cause.message || ("code" in cause ? String(cause.code) : cause.name);
  return ` (${text})`;
}
