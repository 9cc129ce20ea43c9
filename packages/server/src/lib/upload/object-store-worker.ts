import { constants, setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import type { StoreAnswer, StoreCall, StoreOrder, StoreResults, StoreThreadData } from "./object-store-messages.ts";
import { describeThrown } from "./thrown-error.ts";

// Uploads can wait, frames and their acknowledgements cannot. Only on Linux a thread has a priority of its own.
if (process.platform === "linux") setPriority(constants.priority.PRIORITY_LOW);

// Imported, not linked: what came meanwhile waits in the port, and a thread ended while it imports takes nobody along
// (see finish-worker.ts).
const { S3ObjectStore } = await import("./s3-object-store.ts");

const port = parentPort;
if (port === null) throw new Error("this is the entry of a thread");
const { options, limits } = workerData as StoreThreadData;
const store = new S3ObjectStore(options, limits);
/** Of puts that are on their way. */
const aborts = new Map<number, AbortController>();

port.on("message", (order: StoreOrder) => {
  if (order.kind === "call") void answer(order.id, order.call);
  else if (order.kind === "abort") aborts.get(order.id)?.abort();
  else {
    store.close();
    // Nothing else keeps the thread, but for what tidies up behind an upload in parts.
    port.close();
  }
});

async function answer(id: number, call: StoreCall): Promise<void> {
  try {
    const result = await run(id, call);
    // What was read stands in memory of its own: handed over whole.
    const moved = call.kind === "get" ? [(result as StoreResults["get"]).bytes.buffer as ArrayBuffer] : [];
    port?.postMessage({ id, result } satisfies StoreAnswer, moved);
  } catch (thrown) {
    port?.postMessage({ id, error: describeThrown(thrown) } satisfies StoreAnswer);
  }
}

async function run(id: number, call: StoreCall): Promise<StoreResults[StoreCall["kind"]]> {
  switch (call.kind) {
    case "put":
      return await put(id, call.source);
    case "get":
      return await store.get(call.key, call.range, call.maxBytes);
    case "delete":
      return void (await store.delete(call.key));
    case "begin-parts":
      return await store.beginParts(call.key);
    case "drop-parts":
      return void (await store.dropParts(call.key, call.partsId));
  }
}

async function put(
  id: number,
  source: Extract<StoreCall, { readonly kind: "put" }>["source"],
): Promise<StoreResults["put"]> {
  const abort = new AbortController();
  aborts.set(id, abort);
  try {
    return await store.put({ ...source, signal: abort.signal });
  } finally {
    aborts.delete(id);
  }
}
