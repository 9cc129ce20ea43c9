// An object store in a process of its own. It sends what a server needs to upload to it, and answers each message with what it
// has.
import { S3Stub } from "../../test/support/s3-stub.ts";
import type { StoredObjects } from "./object-store.ts";

const stub = await S3Stub.start();
let release = () => {};

function read(): StoredObjects {
  const sizes = [...stub.objects.values()].map(({ bytes }) => bytes.byteLength);
  return { objectCount: sizes.length, byteCount: sizes.reduce((sum, size) => sum + size, 0) };
}

process.on("message", (message) => {
  if (message === "hold") release = stub.hang();
  if (message === "release") release();
  process.send?.(read());
});
process.on("disconnect", () => process.exit());
process.send?.(stub.environment);
