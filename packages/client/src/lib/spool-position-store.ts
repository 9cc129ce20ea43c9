import { constants } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";

const fileName = "acknowledged";
const byteCount = 12;

/**
 * Writes down how far a journal is acknowledged, so that a process that comes after a crash sends little again. Written
 * over in place and never synced: a power cut may leave an older position, or none that is whole, which only means that
 * more is sent again.
 */
export class PositionKeeper {
  readonly #path: string;
  readonly #intervalMs: number;
  readonly #position: () => number;
  #timer: NodeJS.Timeout | undefined;
  #isWriting = false;
  #isStopped = false;

  /**
   * @param folder - of the journal
   * @param intervalMs - written at most this often
   * @param position - asked when it is written
   */
  constructor(folder: string, intervalMs: number, position: () => number) {
    this.#path = join(folder, fileName);
    this.#intervalMs = intervalMs;
    this.#position = position;
  }

  /** The position has moved. */
  schedule(): void {
    if (!this.#isStopped) this.#timer ??= setTimeout(() => void this.#write(), this.#intervalMs);
  }

  /** Writes nothing any more. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  async #write(): Promise<void> {
    this.#timer = undefined;
    if (this.#isWriting) {
      this.schedule();
      return;
    }
    this.#isWriting = true;
    // Only a help: who fails to write it has frames sent again at worst.
    await writePosition(this.#path, this.#position()).catch(() => {});
    this.#isWriting = false;
  }
}

async function writePosition(path: string, position: number): Promise<void> {
  const handle = await open(path, constants.O_WRONLY | constants.O_CREAT, 0o644);
  try {
    await handle.write(formatPosition(position), 0, byteCount, 0);
  } finally {
    await handle.close();
  }
}

/** What was written last; 0 when there is nothing, or nothing whole. Never rejects. */
export async function readPosition(folder: string): Promise<number> {
  const bytes = await readFile(join(folder, fileName)).catch(() => Buffer.alloc(0));
  if (bytes.byteLength !== byteCount || bytes.readUInt32LE(8) !== crc32(bytes.subarray(0, 8))) return 0;
  const position = bytes.readBigUInt64LE(0);
  return position <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(position) : 0;
}

function formatPosition(position: number): Buffer {
  const bytes = Buffer.alloc(byteCount);
  bytes.writeBigUInt64LE(BigInt(position), 0);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 8)), 8);
  return bytes;
}
