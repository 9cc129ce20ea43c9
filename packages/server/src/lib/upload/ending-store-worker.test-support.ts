// The thread of an object store that ends in the middle of its work, as soon as it is to read the object "end the thread",
// or hangs, as soon as it is to read the object "hang".
import { parentPort } from "node:worker_threads";
import type { StoreOrder } from "./object-store-messages.ts";

await import("./object-store-worker.ts");
parentPort?.on("message", (order: StoreOrder) => {
  if (order.kind !== "call" || order.call.kind !== "get") return;
  if (order.call.key === "end the thread") process.exit(7);
  while (order.call.key === "hang");
});
