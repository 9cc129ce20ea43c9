import { once } from "node:events";
import { setTimeout as passed } from "node:timers/promises";
import { WebSocket } from "ws";
import type { ServerProcess } from "../server-process.ts";

/** Variables of a server that {@link collectGarbage} can ask: its inspector takes a free port once it is asked to listen. */
export const collectable = { NODE_OPTIONS: "--inspect-port=127.0.0.1:0" };

const maxWaitMs = 30_000;

/** Has a server give back what nobody holds: by itself it does so when it needs room, which may be minutes later. */
export async function collectGarbage(server: ServerProcess): Promise<void> {
  const socket = new WebSocket(await openInspector(server));
  try {
    await once(socket, "open");
    socket.send(JSON.stringify({ id: 1, method: "HeapProfiler.collectGarbage" }));
    // Answered once it is done.
    await once(socket, "message");
  } finally {
    socket.terminate();
  }
}

/** @returns where its inspector listens, which standard error tells */
async function openInspector(server: ServerProcess): Promise<string> {
  server.signal("SIGUSR1");
  for (const endMs = performance.now() + maxWaitMs; performance.now() < endMs; await passed(50)) {
    const [, url] = /Debugger listening on (ws:\S+)/.exec(server.errors) ?? [];
    if (url !== undefined) return url;
  }
  throw new Error(`the server's inspector did not listen: ${server.errors}`);
}
