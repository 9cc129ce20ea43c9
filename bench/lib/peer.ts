/** A server that a scenario can be run against. */
export interface Peer {
  readonly name: string;
  /** Starts it on an empty folder. */
  start(folder: string): Promise<RunningPeer>;
}

/** A peer that takes connections. */
export interface RunningPeer {
  readonly pid: number;
  readonly port: number;
  /** Stops it and counts the frames that it has stored. */
  stop(): Promise<StoredFrames>;
}

/** What a peer has on disk. */
export interface StoredFrames {
  readonly frameCount: number;
  readonly gapCount: number;
  readonly problemCount: number;
}
