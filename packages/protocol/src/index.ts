/**
 * The wire protocol of EET: messages, limits, close codes, ids. Pure: no dependency, no platform.
 *
 * @packageDocumentation
 */
export { type BackoffOptions, fullJitterMs } from "./lib/backoff.ts";
export {
  type Anchor,
  type DeviceMessage,
  deviceMagics,
  type Finish,
  formatDeviceMessage,
  isDeviceMagic,
  parseDeviceMessage,
  type Resume,
} from "./lib/device-message.ts";
export { type WireErrorCode, type WireErrorRow, wireErrors } from "./lib/error-table.ts";
export { type AdpcmLayout, type Codec, codecs, type StreamFormat } from "./lib/format.ts";
export {
  countFrameSamples,
  type FrameHeader,
  type FrameRules,
  formatFrame,
  frameMagics,
  frameRules,
  parseFrame,
} from "./lib/frame.ts";
export { type GapLength, measureGap } from "./lib/gap.ts";
export { formatHandshake, type Handshake, handshakeMagic, parseHandshake } from "./lib/handshake.ts";
export { type Hwid, sanitizeHwid } from "./lib/hwid.ts";
export { limits } from "./lib/limits.ts";
export { ProtocolError } from "./lib/protocol-error.ts";
export { type ReconnectRule, reconnectRuleOfClose, reconnectRuleOfStatus } from "./lib/reconnect.ts";
export { type SeqStep, SeqTracker } from "./lib/seq-tracker.ts";
export { serialDistance } from "./lib/serial.ts";
export {
  type Ack,
  formatServerMessage,
  parseServerMessage,
  type ServerMessage,
  serverMagics,
  type Welcome,
} from "./lib/server-message.ts";
export { selectSubprotocol, subprotocols, supportedSubprotocols } from "./lib/subprotocol.ts";
