// Run as a process: takes sockets that are handed over, and sends back on each whatever comes by it.
import type { Socket } from "node:net";
import type { PlainUpgrade } from "./ingest-messages.ts";
import { attachUpgrade } from "./ws-hand-over.ts";

/** What this process tells of a socket: the request that it came with, or that it was gone already; then that it ended. */
export type HandedSocketNews =
  | { readonly type: "taken"; readonly url: string; readonly headers: PlainUpgrade["headers"] }
  | { readonly type: "gone" }
  | { readonly type: "ended" };

const tell = (news: HandedSocketNews) => void process.send?.(news);

process.on("message", (plain: PlainUpgrade, handed?: Socket) => {
  if (handed === undefined) {
    tell({ type: "gone" });
    return;
  }
  const { request, socket, head } = attachUpgrade(plain, handed);
  tell({ type: "taken", url: request.url ?? "", headers: request.headers });
  socket.on("error", () => {});
  socket.once("close", () => tell({ type: "ended" }));
  socket.write(head);
  socket.pipe(socket);
});
