import { type LevelBlock, mergeBlocks } from "./level-blocks.ts";

/** Blocks that wait at most, whatever the frames' size: two seconds. */
const maxWaitingCount = 20;

/**
 * Gives one block per tick: a frame of a second brings ten blocks at once, which are given out over the second, so that
 * a meter moves steadily. What waits longer than a frame is long is merged.
 */
export class BlockPace {
  #waiting: LevelBlock[] = [];
  #allowedCount = 1;

  /** @param frameMs - length of the frame that is about to bring blocks */
  expect(frameMs: number): void {
    this.#allowedCount = Math.min(maxWaitingCount, Math.ceil(frameMs / 100));
  }

  push(block: LevelBlock): void {
    this.#waiting.push(block);
    // Only a frame of many seconds comes here.
    if (this.#waiting.length > 2 * maxWaitingCount) this.#mergeFirst();
  }

  /** The block of this tick; `undefined` when nothing came. */
  next(): LevelBlock | undefined {
    while (this.#waiting.length > this.#allowedCount + 1) this.#mergeFirst();
    return this.#waiting.shift();
  }

  #mergeFirst(): void {
    const [first, second] = this.#waiting;
    if (first !== undefined && second !== undefined) this.#waiting.splice(0, 2, mergeBlocks(first, second));
  }
}
