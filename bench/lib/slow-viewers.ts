import { once } from "node:events";
import { WebSocket } from "ws";
import { hwidOf } from "./bench-device.ts";

const mostWatched = 200;

/** Viewers that ask for levels and never read what comes. */
export class SlowViewers {
  readonly #sockets: readonly WebSocket[];

  private constructor(sockets: readonly WebSocket[]) {
    this.#sockets = sockets;
  }

  /** @param deviceCount - devices of the load: each viewer asks for all of them, 200 at most */
  static async open(port: number, viewerCount: number, deviceCount: number): Promise<SlowViewers> {
    const hwids = Array.from({ length: Math.min(deviceCount, mostWatched) }, (_, index) => hwidOf(index));
    const sockets = Array.from({ length: viewerCount }, () => {
      return new WebSocket(`ws://127.0.0.1:${port}/api/v1/live`, { perMessageDeflate: false });
    });
    for (const socket of sockets) {
      socket.on("error", () => {}); // Being cut off is one of the ways in which a server may treat it.
      await once(socket, "open");
      socket.send(JSON.stringify({ type: "fleet", id: 1, hwids }));
      socket.pause();
    }
    return new SlowViewers(sockets);
  }

  close(): void {
    for (const socket of this.#sockets) socket.terminate();
  }
}
