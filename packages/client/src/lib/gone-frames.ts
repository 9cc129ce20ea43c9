import { type AudioAmount, AudioTally } from "./audio-amount.ts";

interface Run {
  frameCount: number;
  sampleCount: number;
  /** Whether the frames were on their way when they went: then the server may have them. */
  wasSent: boolean;
}

/**
 * Frames that had to go before they were acknowledged: the contiguous stretch in front of the oldest frame held.
 * Those that were on their way count as lost only once the server has told that they did not arrive.
 */
export class GoneFrames {
  readonly #runs: Run[] = [];

  /** One more frame went, the one behind those that went before. */
  add(sampleCount: number, wasSent: boolean): void {
    const last = this.#runs.at(-1);
    if (last?.wasSent === wasSent) {
      last.frameCount += 1;
      last.sampleCount += sampleCount;
    } else {
      this.#runs.push({ frameCount: 1, sampleCount, wasSent });
    }
  }

  /** The first frames are settled: the server has them or never will. @returns those that it has */
  settle(frameCount: number): AudioAmount {
    const arrived = new AudioTally();
    let left = frameCount;
    for (let run = this.#runs[0]; run !== undefined && left > 0; run = this.#runs[0]) {
      const part = takeFrom(run, Math.min(left, run.frameCount));
      if (run.wasSent) arrived.add(part.frameCount, part.sampleCount);
      if (run.frameCount === 0) this.#runs.shift();
      left -= part.frameCount;
    }
    return arrived;
  }

  /** Nothing behind the first `arrivedCount` frames has arrived. @returns what is lost by that, not counted before */
  lose(arrivedCount: number): AudioAmount {
    const lost = new AudioTally();
    let before = 0;
    for (const run of [...this.#runs]) {
      const arrived = Math.min(Math.max(arrivedCount - before, 0), run.frameCount);
      before += run.frameCount;
      if (!run.wasSent || arrived === run.frameCount) continue;
      const part = takeFrom(run, run.frameCount - arrived);
      lost.add(part.frameCount, part.sampleCount);
      this.#runs.splice(this.#runs.indexOf(run) + 1, 0, { ...part, wasSent: false });
    }
    this.#dropEmpty();
    return lost;
  }

  clear(): void {
    this.#runs.length = 0;
  }

  #dropEmpty(): void {
    const full = this.#runs.filter(({ frameCount }) => frameCount > 0);
    this.#runs.splice(0, this.#runs.length, ...full);
  }
}

/** Takes frames out of a run; their samples are told exactly as long as the run's frames are alike. */
function takeFrom(run: Run, frameCount: number): AudioAmount {
  const sampleCount = Math.round((run.sampleCount * frameCount) / run.frameCount);
  run.frameCount -= frameCount;
  run.sampleCount -= sampleCount;
  return { frameCount, sampleCount };
}
