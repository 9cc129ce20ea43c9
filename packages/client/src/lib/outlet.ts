import type { AudioAmount } from "./audio-amount.ts";
import type { CloseResult } from "./close-result.ts";
import type { HeldFrame } from "./send-window.ts";
import type { DeliveryMode, LinkState, SessionEnding } from "./session-state.ts";

/** Frames that wait in memory. */
export interface BufferedAmount extends AudioAmount {
  readonly byteCount: number;
}

/** Where a session's frames go: it keeps them until they are delivered. */
export interface Outlet {
  readonly state: LinkState;
  readonly delivery: DeliveryMode | undefined;
  /** Connections on which live frames could travel. */
  readonly connectionCount: number;
  /** The server asks to send live frames no faster than audio is made. */
  readonly isSlowedDown: boolean;
  /** Largest message that can be delivered, as far as that is known. */
  readonly maxMessageBytes: number;
  /** Whether a frame can be taken without exceeding a bound. */
  readonly hasRoom: boolean;
  readonly buffered: BufferedAmount;
  /** In the spool, besides what is in memory; `undefined` without a spool. */
  readonly backlog: BufferedAmount | undefined;
  /** `undefined` when the server does not tell. */
  readonly uploaded: AudioAmount | undefined;
  /** Begins to connect; later calls do nothing. */
  start(): void;
  /** Takes the next frame, room or not. */
  take(frame: HeldFrame): void;
  /** Lets go of frames, oldest first, until there is room. */
  makeRoom(): void;
  /** No more frames come. */
  finish(): void;
  /** Ends a wait for the next attempt, though not one that the server asks for. */
  connectNow(): void;
  /** Ends at once. */
  abort(): void;
}

/** What an outlet tells. */
export interface OutletEvents {
  /** The state has changed. */
  onState(): void;
  /** Frames were delivered or let go of: there may be room. */
  onProgress(): void;
  /** Told once; nothing is told after it. */
  onEnd(ending: SessionEnding, last: CloseResult | undefined): void;
}
