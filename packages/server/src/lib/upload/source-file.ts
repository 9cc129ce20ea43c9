import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { crc32 } from "node:zlib";
import { StorageError, systemErrorCode } from "../kernel/errors.ts";
import type { ObjectSource } from "./object-store.ts";

/** Checksums by which a store may show that it holds a file, for a file sent in parts of one size. */
export interface ExpectedChecksums {
  /** MD5 in hex of a file of one part, else MD5 of the parts' MD5s with `-{parts}`: what S3 stores give as ETag. */
  readonly etag: string;
  /** CRC32 in base64, combined in the same way: what AWS gives as `x-amz-checksum-crc32`. */
  readonly crc32: string;
}

/** A file that is what its sidecar says. */
export interface SourceRead {
  readonly expected: ExpectedChecksums;
  /** The file itself when it is one part: that needs not be read again. */
  readonly bytes: Buffer | undefined;
}

/** Longest piece that is read at once. */
const pieceBytes = 1024 * 1024;

/**
 * Reads a file once, to be sure that it still is what its sidecar says, and to know what the store must answer.
 *
 * @param partBytes - length of all parts but the last
 * @returns `undefined` when the file is gone
 * @throws StorageError `SEGMENT_UNREADABLE`, `STORAGE_IO`
 * @throws the signal's reason when it is aborted
 */
export async function readSource(source: ObjectSource, partBytes: number): Promise<SourceRead | undefined> {
  const whole = createHash("sha256");
  const parts = new PartsDigest(partBytes);
  const isOnePart = source.bytes <= partBytes;
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    // In one piece where it is short: most files are.
    const highWaterMark = Math.max(1, Math.min(pieceBytes, source.bytes));
    const stream = createReadStream(source.path, { signal: source.signal, highWaterMark });
    for await (const piece of stream as AsyncIterable<Buffer>) {
      whole.update(piece);
      parts.update(piece);
      bytes += piece.length;
      // One that is longer than stated is not kept: it is refused below.
      if (isOnePart && bytes <= source.bytes) pieces.push(piece);
    }
  } catch (error) {
    source.signal.throwIfAborted();
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw new StorageError("STORAGE_IO", `${source.path} cannot be read`, { cause: error });
  }
  const sha256 = whole.digest("hex");
  if (bytes !== source.bytes || sha256 !== source.sha256) {
    const found = `${bytes} bytes with SHA-256 ${sha256}`;
    const expected = `${source.bytes} bytes with SHA-256 ${source.sha256}`;
    throw new StorageError("SEGMENT_UNREADABLE", `${source.path} has ${found}, recorded were ${expected}`);
  }
  return { expected: parts.digest(), bytes: isOnePart ? joined(pieces) : undefined };
}

function joined(pieces: readonly Buffer[]): Buffer {
  const [first] = pieces;
  return pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces);
}

/** Checksums of each part of a byte stream. */
class PartsDigest {
  readonly #partBytes: number;
  readonly #md5s: Buffer[] = [];
  readonly #crcs: Buffer[] = [];
  #md5 = createHash("md5");
  #crc = 0;
  #room: number;

  constructor(partBytes: number) {
    this.#partBytes = partBytes;
    this.#room = partBytes;
  }

  update(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > this.#room) {
      this.#add(rest.subarray(0, this.#room));
      rest = rest.subarray(this.#room);
      this.#endPart();
    }
    this.#add(rest);
    this.#room -= rest.length;
  }

  digest(): ExpectedChecksums {
    this.#endPart();
    const md5s = Buffer.concat(this.#md5s);
    const crcs = Buffer.concat(this.#crcs);
    if (this.#md5s.length === 1) return { etag: md5s.toString("hex"), crc32: crcs.toString("base64") };
    const suffix = `-${this.#md5s.length}`;
    return {
      etag: createHash("md5").update(md5s).digest("hex") + suffix,
      crc32: bigEndian(crc32(crcs)).toString("base64") + suffix,
    };
  }

  #add(bytes: Buffer): void {
    this.#md5.update(bytes);
    this.#crc = crc32(bytes, this.#crc);
  }

  #endPart(): void {
    this.#md5s.push(this.#md5.digest());
    this.#crcs.push(bigEndian(this.#crc));
    this.#md5 = createHash("md5");
    this.#crc = 0;
    this.#room = this.#partBytes;
  }
}

function bigEndian(word: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(word);
  return bytes;
}
