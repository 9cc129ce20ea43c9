import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Upgrade } from "../ingest/connection-taker.ts";

const headers = ["Host: x", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: k", "Cookie: eet=secret"];
const request = Buffer.from(["GET /ws/mic?token=secret HTTP/1.1", ...headers, "", ""].join("\r\n"));

/** An upgrade request as its server has it, and who sent it. */
export interface OpenUpgrade {
  readonly client: Socket;
  readonly upgrade: Upgrade;
}

/** Real upgrade requests that nobody has answered. Disposing of it ends their clients. */
export class UpgradeSource implements AsyncDisposable {
  readonly #server: Server;
  readonly #clients: Socket[] = [];

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(): Promise<UpgradeSource> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new UpgradeSource(server);
  }

  /** @param behind - what the client sends behind its request, in one packet with it */
  async next(behind: Uint8Array = Buffer.alloc(0)): Promise<OpenUpgrade> {
    const client = connect((this.#server.address() as AddressInfo).port, "127.0.0.1").setNoDelay(true);
    client.on("error", () => {});
    this.#clients.push(client);
    client.write(Buffer.concat([request, behind]));
    const [incoming, socket, head] = await once(this.#server, "upgrade");
    socket.on("error", () => {});
    return { client, upgrade: { request: incoming, socket, head } };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#clients) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
