import type { LatencyHistogram } from "../lib/latency-histogram.ts";

/** A server that a scenario can be run against. */
export interface Peer {
  readonly name: string;
  /** What it is, in a few words. */
  readonly description: string;
  /** Whether it speaks `eet.v1+ack`; one that does not gets the scenario without acknowledgements. */
  readonly hasAcks: boolean;
  /**
   * What is checked on disk once it has ended. `recordings`: every frame, WAVs that are what the frames decode to, hashes,
   * sidecars; `wavs`: every frame and WAVs that are what they decode to; `frames`: every frame; `nothing`: it has only to
   * say that it received every frame. All but the first do less than the job.
   */
  readonly keeps: "recordings" | "wavs" | "frames" | "nothing";
  /** Why it cannot run here, and what to do; left out or `undefined`: it can. */
  missing?(): string | undefined;
  /** Starts it on an empty folder. */
  start(folder: string, options?: PeerOptions): Promise<RunningPeer>;
}

/** How a peer is started. */
export interface PeerOptions {
  /** For this project's server alone. */
  readonly flags?: readonly string[];
  /** For this project's server alone. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Goes in front of the command: what holds it to one core. */
  readonly launcher?: readonly string[];
}

/** A peer that takes connections. */
export interface RunningPeer {
  readonly pid: number;
  readonly port: number;
  /** Settles once nothing is left to do for the devices that have ended; left out: nothing ever is. */
  settled?(): Promise<void>;
  /** Stops it and counts the frames that it has stored, or received where it stores none. */
  stop(): Promise<StoredFrames>;
}

/** What a peer has on disk. */
export interface StoredFrames {
  readonly frameCount: number;
  readonly gapCount: number;
  readonly problemCount: number;
  /** From the last write of a segment's frames to its WAV being there; left out: not known. */
  readonly finishingLags?: LatencyHistogram;
}

/** Says what a peer leaves undone; empty when it does the job. */
export function shortcomingOf({ keeps }: Pick<Peer, "keeps">): string {
  return {
    recordings: "",
    wavs: "does not do the job: nothing is synced, no hashes, no catalogue",
    frames: "does not do the job: no WAV, nothing is synced, no hashes, no catalogue",
    nothing: "does not do the job: nothing is stored",
  }[keeps];
}
