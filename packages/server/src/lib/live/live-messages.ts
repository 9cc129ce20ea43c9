/**
 * What goes over the WebSocket at `/api/v1/live`: JSON as text messages, and what comes often as binary ones
 * (docs/live.md has the bytes and examples). Times ending in `_ms` are milliseconds since 1970 by the server's clock;
 * levels are dB relative to full scale (32768).
 */

/** Where a viewer connects to. */
export const livePath = "/api/v1/live";

/** Bounds of what a viewer may ask for. */
export const liveLimits = {
  /** Devices of a fleet subscription. */
  maxFleetDeviceCount: 200,
  /** Subscriptions of a viewer at once. */
  maxSubscriptionCount: 8,
  /** Largest id of a subscription; the smallest is 0. */
  maxSubscriptionId: 65_535,
  /** Bytes of a message from a viewer. */
  maxRequestBytes: 32 * 1024,
  /** Length of what one {@link PastRequest} is answered with. */
  maxPastMs: 60_000,
  /** Bins of a spectrum column where a request does not say. */
  defaultBinCount: 128,
} as const;

/** Bins of a spectrum column that may be asked for. */
export type SpectrumBinCount = 128 | 256 | 512;

/**
 * Asks for levels of the devices that are on screen. Of the same id it replaces the earlier one: devices that stand in
 * both go on without a break. An empty list is allowed.
 */
export interface FleetRequest {
  readonly type: "fleet";
  /** Chosen by the viewer; stands in all that belongs to this subscription. */
  readonly id: number;
  /** At most 200, each once; `~` for devices without an id. */
  readonly hwids: readonly string[];
}

/** Asks for levels, spectrum and facts of one device. Of the same id it replaces the earlier one. */
export interface DeviceRequest {
  readonly type: "device";
  readonly id: number;
  readonly hwid: string;
  /** Left out: the stream whose session began last, and the next one when that ends. */
  readonly stream_id?: number;
  /** Default 128. */
  readonly spectrum_bins?: SpectrumBinCount;
}

/** Asks for the audio of one device. Of the same id it replaces the earlier one. */
export interface ListenRequest {
  readonly type: "listen";
  readonly id: number;
  readonly hwid: string;
  /** Left out: as in {@link DeviceRequest}. */
  readonly stream_id?: number;
}

/**
 * Asks for levels and spectrum of what a session received before: of its last segments, the one that is being written
 * included, which the archive does not have yet. Answered once, by binary messages as those of {@link DeviceRequest} and
 * {@link PastMessage} behind them; until then it counts as a subscription.
 */
export interface PastRequest {
  readonly type: "past";
  readonly id: number;
  readonly hwid: string;
  /** As {@link LiveStream} tells it. */
  readonly session: string;
  /** Samples per channel from the session's start, as is `to_sample`, in front of which the last column begins. */
  readonly from_sample: number;
  readonly to_sample: number;
  /** Default 128. 0: no binary messages, but {@link PastMessage.seconds}, which is much cheaper. */
  readonly spectrum_bins?: SpectrumBinCount | 0;
}

/** Ends a subscription, of whatever kind; nothing of it comes behind the answer. */
export interface StopRequest {
  readonly type: "stop";
  readonly id: number;
}

/** What a viewer may send, as JSON in a text message. */
export type LiveRequest = FleetRequest | DeviceRequest | ListenRequest | PastRequest | StopRequest;

/** A session that is being received. */
export interface LiveStream {
  readonly session: string;
  readonly stream_id: number;
  readonly codec: "pcm16" | "adpcm";
  readonly sample_rate_hz: number;
  readonly channels: number;
  /** Samples per channel in a full frame, 0 = varies. */
  readonly frame_samples: number;
  /** Time of the session's sample 0; that of sample n is `start_ms + n * 1000 / sample_rate_hz`. */
  readonly start_ms: number;
  /** Which clock `start_ms` comes from. */
  readonly start_rule: "device-synced" | "device-unverified" | "server-arrival";
  /** True for a session with acknowledgements (`eet.v1+ack`). */
  readonly acked: boolean;
  /** How ADPCM is decoded at the moment, and why so; `null` for PCM and as long as the frames were not looked at. */
  readonly nibble_order: {
    readonly order: "low" | "high";
    readonly source: "config" | "exact" | "statistical" | "cached" | "default";
  } | null;
  /** False for ADPCM of several channels whose layout is not configured: there are facts, but neither levels nor audio. */
  readonly decodable: boolean;
}

/** The first message of a connection. */
export interface HelloMessage {
  readonly type: "hello";
  readonly version: 1;
  readonly server_ms: number;
  /** Time between two {@link HeartbeatMessage}: after three without any message the connection is lost. */
  readonly heartbeat_ms: number;
}

/** Comes every {@link HelloMessage.heartbeat_ms}. */
export interface HeartbeatMessage {
  readonly type: "heartbeat";
  readonly server_ms: number;
  /** Binary messages of this connection that were left out because the viewer did not read fast enough. */
  readonly skipped_messages: number;
  /** Frames that were not looked at because all viewers together asked for more than the server gives to them. */
  readonly skipped_frames: number;
}

/**
 * Answer to {@link FleetRequest}: what the server knows of these devices, in the order asked for. Comes again, at most once a
 * second, when a session of one of them begins or ends.
 */
export interface FleetMessage {
  readonly type: "fleet";
  readonly id: number;
  readonly devices: readonly {
    readonly hwid: string;
    /** Whether a session is being received. */
    readonly streaming: boolean;
    /** Of the session that began last; `null` when none is being received. */
    readonly format: Pick<LiveStream, "codec" | "sample_rate_hz" | "channels"> | null;
    /** The session that `format` is of, and the time of its sample 0; `null` when none is being received. */
    readonly session: LiveStream["session"] | null;
    readonly start_ms: LiveStream["start_ms"] | null;
    /**
     * Highest peak of each of the last 60 seconds, oldest first, the last one not over; `null` where nothing was
     * looked at: before the first viewer asked for the device, and where nothing was received. 0 is full scale only.
     */
    readonly last_minute_dbfs: readonly (number | null)[];
  }[];
}

/**
 * Answer to {@link DeviceRequest} and {@link ListenRequest}; comes again whenever something in it changes. It stands in
 * front of all binary messages that it holds for.
 */
export interface StreamMessage {
  readonly type: "stream";
  readonly id: number;
  readonly hwid: string;
  /** The stream that this subscription gets; `null` when none is being received: it begins by itself when one is. */
  readonly stream: LiveStream | null;
  /** Ids of the streams of the device that are being received. */
  readonly stream_ids: readonly number[];
}

/** Last answer to {@link PastRequest}: the subscription has ended. */
export interface PastMessage {
  readonly type: "past";
  readonly id: number;
  readonly hwid: string;
  readonly session: string;
  /**
   * What begins from here on was received or will never come, and was sent; what lies before is in the archive, or will be.
   * A whole multiple of a column, as is `to_sample`.
   */
  readonly from_sample: number;
  /**
   * Where it ends. Before what was asked for: more than 60 s were asked for, or it is not written yet and can be asked for
   * when the server has flushed. Where `from_sample` is: nothing is known of it.
   */
  readonly to_sample: number;
  /** Where `spectrum_bins` is 0 and something is known: each second from the `from_sample` on that was asked for. */
  readonly seconds?: readonly PastSecond[];
}

/** A second of what was received before. */
export interface PastSecond {
  /** Highest peak; `null` where nothing was received. */
  readonly peak_dbfs: number | null;
  /** See {@link levelFlags}. */
  readonly flags: number;
}

/** Answer to {@link StopRequest}. */
export interface StoppedMessage {
  readonly type: "stopped";
  readonly id: number;
}

/** A request was not understood or not granted; the connection and its other subscriptions go on. */
export interface ErrorMessage {
  readonly type: "error";
  /** Of the request, where it could be read. */
  readonly id: number | null;
  /** Row of docs/errors.md. */
  readonly code: string;
  readonly title: string;
  /** What was received, and what is allowed. */
  readonly detail: string;
  readonly fix: string;
}

/** What the server sends as JSON in a text message. */
export type LiveMessage =
  | HelloMessage
  | HeartbeatMessage
  | FleetMessage
  | StreamMessage
  | PastMessage
  | StoppedMessage
  | ErrorMessage;

/**
 * First byte of a binary message; the second is 0, the u16 behind it the subscription's id. Everything is little-endian.
 *
 * `fleetLevels`, 10 per second: from byte 4 on 8 bytes per device that was heard since the message before:
 * u16 index in the request's `hwids`, i16 peak, i16 RMS (both in 0.01 dB, -12000 at least), u8 flags
 * ({@link levelFlags}), u8 0.
 *
 * `deviceLevels`, 10 per second: f64 at 8: sample behind the block of about 100 ms, u32 at 16: clipped values in it,
 * u8 at 20: flags, u8 at 21: channels; from byte 24 on 6 bytes per channel: i16 peak, i16 RMS, i16 peak hold (highest
 * peak of the last 2 s).
 *
 * `spectrum`, 20 columns per second: u16 at 4: bins, u16 at 6: columns, f64 at 8: first sample of the first column,
 * u32 at 16: samples per column, u32 at 20: 0; from byte 24 on u8 levels, column by column, lowest frequency first: bin
 * b is `b * sample_rate_hz / (2 * bins)` Hz, level 255 is a full-scale sine, each step below it half a dB, 0 = nothing
 * received. Columns begin at whole multiples of their length; columns of a gap are left out, and so is the first one where
 * somebody begins to look in the middle of it.
 *
 * `audio`, as frames come: u8 at 4: channels, u8 at 5: flags, u16 at 6: 0, f64 at 8: first sample, u32 at 16: sample
 * rate in Hz, u32 at 20: samples per channel; from byte 24 on interleaved s16.
 *
 * A sample that is not where the message before ended: what lies between was not received, or skipped.
 */
export const liveMessageKinds = { fleetLevels: 1, deviceLevels: 2, spectrum: 3, audio: 4 } as const;

/**
 * Bits of a binary message's flags: `clipped`: samples stand at either end of the range; `gap`: frames were missing in
 * it or in front of it; `skipped`: the server left out something in front of it, though it was received.
 */
export const levelFlags = { clipped: 1, gap: 2, skipped: 4 } as const;
