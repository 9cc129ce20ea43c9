// Entry of the ingest workers: the only place of such a process that listens to it, and that ends it.
import { enableCompileCache } from "node:module";
import type { Socket } from "node:net";
import type { ToWorker } from "./ingest-messages.ts";

// A terminal signals to a server and its workers alike: a worker waits for the server's word, so that all is told.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
// The server is gone: nobody would learn of what is recorded from here on, and the next server waits.
process.on("disconnect", () => process.exit(1));

// Where the server's process keeps what it compiled, if it does.
const [, , compiled = ""] = process.argv;
if (compiled !== "") enableCompileCache(compiled);
const { IngestProcess } = await import("./ingest-process.ts");
const worker = new IngestProcess({
  // What cannot be sent any more is told by `disconnect`.
  send: (message, onSent) => void process.send?.(message, undefined, {}, () => onSent?.()),
  exit: (code) => process.exit(code),
});
// What came before is kept for the first who listens.
process.on("message", (message, socket) => worker.obey(message as ToWorker, socket as Socket | undefined));
