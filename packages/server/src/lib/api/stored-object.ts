import { Readable } from "node:stream";
import type { ByteRange, ObjectReader } from "../kernel/object-reader.ts";

/** Read at a time: what a download from the object store holds in memory. */
const pieceBytes = 1024 * 1024;

/** Reads an object of the store piece by piece; only what is asked for next is fetched. */
export function readObject(objects: ObjectReader, key: string, range: ByteRange): Readable {
  return Readable.from(pieces(objects, key, range), { objectMode: false });
}

async function* pieces(objects: ObjectReader, key: string, { start, end }: ByteRange): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end; at += pieceBytes) {
    const { bytes } = await objects.get(key, { start: at, end: Math.min(at + pieceBytes, end) }, pieceBytes);
    yield bytes;
  }
}
