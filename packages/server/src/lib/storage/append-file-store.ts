import fs from "node:fs";
import { StorageError } from "../kernel/errors.ts";

/** `O_DSYNC` is missing on Windows. */
const { O_WRONLY, O_CREAT, O_EXCL, O_TRUNC, O_DSYNC } = fs.constants as Omit<typeof fs.constants, "O_DSYNC"> & {
  readonly O_DSYNC?: number;
};

/**
 * One open file that grows at known offsets. Thin promises over the descriptor: this is the path of every flush, and
 * `FileHandle` costs several times as much. The caller runs one operation at a time.
 */
export class AppendFile {
  readonly #fd: number;
  #isClosed = false;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Creates the file. Fails with `EEXIST` when it is there: no segment is ever written over. */
  static open(path: string): Promise<AppendFile> {
    return AppendFile.#openWith(path, O_WRONLY | O_CREAT | O_EXCL);
  }

  /**
   * Writes a whole file, over one that is there; its content is durable then, its name after the folder's sync. Each
   * write is synced by itself and the close is not waited for: a start of many segments waits for each trip to the
   * thread pool.
   */
  static async writeSynced(path: string, content: string): Promise<void> {
    const file = await AppendFile.#openWith(path, O_WRONLY | O_CREAT | O_TRUNC | (O_DSYNC ?? 0));
    try {
      await file.write([Buffer.from(content)], 0);
      if (O_DSYNC === undefined) await file.sync();
    } finally {
      void file.close();
    }
  }

  static #openWith(path: string, flags: number): Promise<AppendFile> {
    return new Promise((resolve, reject) => {
      fs.open(path, flags, 0o644, (error, fd) => (error ? reject(error) : resolve(new AppendFile(fd))));
    });
  }

  /** Writes all of `slices` at `offset`, going on after short writes. */
  async write(slices: readonly Uint8Array[], offset: number): Promise<void> {
    let at = offset;
    let rest = slices;
    while (rest.length > 0) {
      const writtenBytes = await this.#writev(rest, at);
      at += writtenBytes;
      rest = dropBytes(rest, writtenBytes);
    }
  }

  #writev(slices: readonly Uint8Array[], offset: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.writev(this.#fd, slices as Uint8Array[], offset, (error, bytes) => (error ? reject(error) : resolve(bytes)));
    });
  }

  /**
   * Makes all that was written durable (`fdatasync`).
   *
   * @throws {@link StorageError} `STORAGE_IO`, whatever the system's reason: the kernel may have dropped what was written
   *   since the last sync, and a second try would succeed without it. Nothing on this file is to be tried again. [S-2.4]
   */
  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.#fd, (error) => (error ? reject(syncError(error)) : resolve()));
    });
  }

  /** Closes the descriptor; later calls do nothing. Never rejects: after a sync there is nothing left to fail. */
  close(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#isClosed = true;
    return new Promise((resolve) => {
      fs.close(this.#fd, () => resolve());
    });
  }
}

function syncError(cause: Error): StorageError {
  return new StorageError("STORAGE_IO", `what was written could not be made durable: ${cause.message}`, { cause });
}

function dropBytes(slices: readonly Uint8Array[], byteCount: number): Uint8Array[] {
  let left = byteCount;
  const rest: Uint8Array[] = [];
  for (const slice of slices) {
    if (left >= slice.byteLength) left -= slice.byteLength;
    else {
      rest.push(left > 0 ? slice.subarray(left) : slice);
      left = 0;
    }
  }
  return rest;
}
