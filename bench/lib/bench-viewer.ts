import { once } from "node:events";
import { WebSocket } from "ws";
import { hwidOf } from "./bench-device.ts";

/** Somebody who has devices of a load on screen, and counts what is shown. */
export class BenchViewer {
  readonly #socket: WebSocket;
  #levelCount = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer, isBinary) => {
      if (isBinary) this.#levelCount += (data.length - 4) / 8;
    });
  }

  /** Asks for the levels of the first devices of a load. */
  static async open(port: number, deviceCount: number): Promise<BenchViewer> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/live`, { perMessageDeflate: false });
    const viewer = new BenchViewer(socket);
    await once(socket, "open");
    const hwids = Array.from({ length: deviceCount }, (_, index) => hwidOf(index));
    socket.send(JSON.stringify({ type: "fleet", id: 1, hwids }));
    return viewer;
  }

  /** Levels of devices that came so far, ten a second each when all is well. */
  get levelCount(): number {
    return this.#levelCount;
  }

  close(): void {
    this.#socket.terminate();
  }
}
