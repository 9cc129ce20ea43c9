/**
 * Sending live audio to an EET server: {@link createSession} delivers every frame however often the connection breaks,
 * {@link openFrameStream} is one plain connection. This is the entrance for Node.
 *
 * @packageDocumentation
 */
export type { AudioAmount } from "./lib/audio-amount.ts";
export { type CloseResult, describeCloseResult } from "./lib/close-result.ts";
export { type FrameStream, FrameStreamError, type FrameStreamOptions } from "./lib/frame-stream.ts";
export { createSession } from "./lib/node-session.ts";
export type { CapturedAt, Session, SessionOptions, SessionProgress } from "./lib/session.ts";
export type { SessionClock } from "./lib/session-clock.ts";
export {
  type DeliveryMode,
  describeSessionResult,
  type LinkState,
  type SessionEnding,
  SessionError,
  type SessionResult,
  type SessionState,
} from "./lib/session-state.ts";
export type {
  AppendResult,
  DroppedFrames,
  Journal,
  JournalFacts,
  Spool,
  SpooledFrame,
  SpoolOptions,
} from "./lib/spool.ts";
export { SpoolError, type SpoolErrorCode } from "./lib/spool-error.ts";
export { openSpool } from "./lib/spool-store.ts";
export { formatStreamUrl } from "./lib/stream-url.ts";
export type { TlsIdentity } from "./lib/tls-identity.ts";
export type { ConnectTransport, Transport, TransportEvents, TransportRequest } from "./lib/transport.ts";
export { openFrameStream } from "./lib/ws-frame-stream.ts";
