/**
 * Sending live audio to an EET server over version 1 of the wire protocol.
 *
 * @packageDocumentation
 */
export { type CloseResult, describeCloseResult } from "./lib/close-result.ts";
export { type FrameStream, FrameStreamError, type FrameStreamOptions } from "./lib/frame-stream.ts";
export { formatStreamUrl } from "./lib/stream-url.ts";
export { openFrameStream } from "./lib/ws-frame-stream.ts";
