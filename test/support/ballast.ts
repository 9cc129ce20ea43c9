import { closeSync, openSync, rmSync, writeSync } from "node:fs";

const chunk = Buffer.alloc(64 * 1024, 0xaa);
const page = chunk.subarray(0, 4096);
const refillIntervalMs = 20;

/** Takes all that a disk has, and what others give back, until it is disposed of. */
export class Ballast implements Disposable {
  readonly #path: string;
  readonly #fd: number;
  readonly #timer: NodeJS.Timeout;

  /** @param path - of the file that takes the room */
  constructor(path: string) {
    this.#path = path;
    this.#fd = openSync(path, "w");
    this.#fill();
    this.#timer = setInterval(() => this.#fill(), refillIntervalMs);
  }

  #fill(): void {
    for (const bytes of [chunk, page]) {
      try {
        while (writeSync(this.#fd, bytes) === bytes.length);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      }
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    closeSync(this.#fd);
    rmSync(this.#path);
  }
}
