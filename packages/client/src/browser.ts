/**
 * Sending live audio to an EET server from a browser: {@link createSession} over the platform's own `WebSocket`.
 *
 * @packageDocumentation
 */
export type { AudioAmount } from "./lib/audio-amount.ts";
export { createSession } from "./lib/browser-session.ts";
export { type CloseResult, describeCloseResult } from "./lib/close-result.ts";
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
export type { Spool } from "./lib/spool.ts";
export { formatStreamUrl } from "./lib/stream-url.ts";
export type { ConnectTransport, Transport, TransportEvents, TransportRequest } from "./lib/transport.ts";
