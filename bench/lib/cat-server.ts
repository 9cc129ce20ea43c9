import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";

/**
 * Gives a file to whoever connects: `cat` writes it into the very socket, so that it goes the way that a server's answer goes,
 * with nothing else between.
 */
export class CatServer implements AsyncDisposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(path: string): Promise<CatServer> {
    const server = createServer({ pauseOnConnect: true }, (socket) => {
      const cat = spawn("cat", [path], { stdio: ["ignore", socket, "inherit"] });
      cat.once("exit", () => socket.destroy());
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new CatServer(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    await once(this.#server, "close");
  }
}
