import { formatFrame } from "@eet/protocol";
import type { Clock, MonotonicMs, WallMs } from "../kernel/clock.ts";
import type { FrameTap, TappedFrame } from "../kernel/frame-tap.ts";
import { MemoryLog } from "../kernel/memory-log.test-support.ts";
import type { DeviceProfile, RecordFormat, SessionRecord } from "../kernel/segment-record.ts";
import { LiveHub } from "./live-hub.ts";

export const pcmFormat: RecordFormat = { codec: "pcm16", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 };
export const adpcmFormat: RecordFormat = { ...pcmFormat, codec: "adpcm" };

/** A clock that stands still unless it is told: looking at frames takes no time. */
export class FakeClock implements Clock {
  nowMs = 1_000;

  wallMs(): WallMs {
    return (1_700_000_000_000 + this.nowMs) as WallMs;
  }

  monotonicMs(): MonotonicMs {
    return this.nowMs as MonotonicMs;
  }
}

/** What identifies a session. */
export function recordOf(format: RecordFormat, fields: Partial<SessionRecord> = {}): SessionRecord {
  const startMs = 1_700_000_000_000;
  const start = { startMs, rule: "server-arrival", deviceMs: 0, serverMs: startMs, warning: null } as const;
  const profile: DeviceProfile = {};
  return { session: "s1", hwid: "mic", streamId: 0, format, start, profile, isAcked: false, ...fields };
}

/** Frames of a session without gaps, as recording shows them. */
export function framesOf(
  format: RecordFormat,
  payloads: readonly Uint8Array[],
  sampleCount: number = format.frameSampleCount,
  session = "s1",
): readonly TappedFrame[] {
  return payloads.map((payload, index) => ({
    session,
    message: formatFrame(format.codec, index, payload),
    end: { seq: index + 1, sample: (index + 1) * sampleCount },
    sampleCount,
  }));
}

/** A hub whose taps are in the hands of the test. */
export class LiveBench {
  readonly clock = new FakeClock();
  readonly log = new MemoryLog();
  readonly taps = new Map<string | null, FrameTap>();
  readonly hub = new LiveHub({
    clock: this.clock,
    log: this.log,
    tapDevice: (hwid, tap) => {
      if (tap === undefined) this.taps.delete(hwid);
      else this.taps.set(hwid, tap);
    },
    cachedOrderOf: () => undefined,
  });

  /** Shows frames of a device as recording does. */
  show(hwid: string | null, frames: readonly TappedFrame[]): void {
    for (const frame of frames) this.taps.get(hwid)?.(frame);
  }
}
