import type { SessionPosition } from "./segment-record.ts";

/** A frame that is being recorded, as it is shown to those who look on. Plain, as all that leaves recording. */
export interface TappedFrame {
  /** Id of its session. */
  readonly session: string;
  /** The whole message. It is written over later: what is to stay must be copied at once. */
  readonly message: Uint8Array;
  /** Behind the frame. */
  readonly end: SessionPosition;
  /** Samples per channel that it stands for. */
  readonly sampleCount: number;
}

/** Takes frames of one device in the order in which they are recorded; must not throw and must not block. */
export type FrameTap = (frame: TappedFrame) => void;
