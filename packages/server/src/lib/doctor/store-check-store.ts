import { createHash, randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServerError, toError } from "../kernel/errors.ts";
import type { ObjectReader } from "../kernel/object-reader.ts";
import type { ObjectStore, PartsTrial } from "../upload/object-store.ts";
import { type Finding, failure, warning, well } from "./finding.ts";

const timeoutMs = 20_000;
const probeBytes = 1024;

export interface StoreCheck {
  readonly store: ObjectStore & ObjectReader & PartsTrial;
  /** Names the store: `s3://bucket`. */
  readonly name: string;
  /** What keys begin with. */
  readonly prefix: string;
}

/** Puts, reads back and deletes an object of 1 KiB under a name of its own; begins an upload in parts and drops it. */
export async function checkStore({ store, name, prefix }: StoreCheck): Promise<readonly Finding[]> {
  const key = `${prefix === "" ? "" : `${prefix}/`}eet-doctor-${randomUUID()}`;
  const bytes = randomBytes(probeBytes);
  const unwritten = await attempt(() => putBytes(store, key, bytes));
  if (unwritten !== undefined) return [describeFault(`${name} takes no object`, unwritten)];
  const findings = [well("object store", `${name} takes objects and shows what it holds (put, head)`)];
  const unread = await attempt(() => compareBytes(store, key, bytes));
  findings.push(
    unread === undefined
      ? well("object store", `${name} gives objects back (get)`)
      : describeFault(`${name} gives no object back`, unread),
  );
  const undeleted = await attempt(() => store.delete(key));
  if (undeleted === undefined) findings.push(well("object store", `${name} deletes objects (delete)`));
  else {
    const message = `${name} deletes no object, ${key} stays: ${undeleted.message}`;
    const fix = "Allow s3:DeleteObject, or live with it: what is deleted by the API or a quota stays in the store.";
    findings.push(warning("object store", message, fix));
  }
  return [...findings, await tryParts(store, name, key)];
}

/** Large files go in parts, for which a store may ask for further rights: an object of 1 KiB does not show that. */
async function tryParts(store: PartsTrial, name: string, key: string): Promise<Finding> {
  let id = "";
  const unbegun = await attempt(async () => {
    id = await store.beginParts(key);
  });
  if (unbegun !== undefined) {
    const fix = "Allow s3:PutObject for multipart uploads, too: files above 5 MiB go so.";
    return warning("object store", `${name} begins no file in parts: ${unbegun.message}`, fix);
  }
  const undropped = await attempt(() => store.dropParts(key, id));
  if (undropped === undefined) {
    const message = `${name} begins files in parts, as those above 5 MiB go, and drops them again (multipart)`;
    return well("object store", message);
  }
  const fix = "Allow s3:AbortMultipartUpload: parts of uploads that were given up stay in the store, and are paid for.";
  return warning("object store", `${name} drops no file in parts, one of ${key} stays: ${undropped.message}`, fix);
}

async function putBytes(store: ObjectStore, key: string, bytes: Uint8Array): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "eet-doctor-"));
  try {
    const path = join(folder, "probe");
    await writeFile(path, bytes);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const signal = AbortSignal.timeout(timeoutMs);
    const contentType = "application/octet-stream";
    await store.put({ key, path, bytes: bytes.byteLength, sha256, contentType, metadata: { sha256 }, signal });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function compareBytes(store: ObjectReader, key: string, bytes: Uint8Array): Promise<void> {
  const read = await store.get(key);
  if (!Buffer.from(read.bytes).equals(bytes)) throw new Error("other bytes came back than were put");
}

async function attempt(step: () => Promise<unknown>): Promise<Error | undefined> {
  try {
    await step();
    return undefined;
  } catch (thrown) {
    return toError(thrown);
  }
}

function describeFault(what: string, error: Error): Finding {
  const fix = error instanceof ServerError ? error.row.fix : "Check S3:ServiceUrl, and that the store answers there.";
  return failure("object store", `${what}: ${error.message}`, fix);
}
