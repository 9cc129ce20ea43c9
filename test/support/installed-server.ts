import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { createInterface } from "node:readline";

/** `npx eet serve` in a project that has the packages installed, on a free port of the loopback. */
export class InstalledServer {
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | null>;
  #port = "";
  #errors = "";
  #hasStopped = false;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = once(child, "close").then(([code]) => code);
    child.stderr?.on("data", (text) => {
      this.#errors += text;
    });
  }

  /** Resolves when it listens; rejects with what it said when it ends before. */
  static async start(project: string): Promise<InstalledServer> {
    const env = { PATH: process.env["PATH"], HOME: project };
    // A group of its own: npx starts a shell, which starts the server.
    const child = spawn("npx", ["--no-install", "eet", "serve", "--port", "0"], {
      ...{ cwd: project, env, detached: true, stdio: ["ignore", "pipe", "pipe"] as const },
    });
    const server = new InstalledServer(child);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    void server.#exited.then((code) => reject(new Error(`npx eet serve ended with ${code}: ${server.#errors}`)));
    createInterface(child.stdout).on("line", (text) => {
      const line: Readonly<Record<string, unknown>> = text.startsWith("{") ? JSON.parse(text) : {};
      if (line["msg"] === "stopped") server.#hasStopped = true;
      if (line["msg"] !== "listening") return;
      server.#port = /:(\d+)\/ws/.exec(String(line["url"]))?.[1] ?? "";
      resolve();
    });
    await promise;
    return server;
  }

  get httpUrl(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** `ws://127.0.0.1:{port}/ws` */
  get url(): string {
    return `ws://127.0.0.1:${this.#port}/ws`;
  }

  /** What came on standard error. */
  get errors(): string {
    return this.#errors;
  }

  /** Stops it; idempotent. @returns whether it said that it has stopped gracefully: the exit code is that of npx */
  async stop(): Promise<boolean> {
    const { pid, exitCode, signalCode } = this.#child;
    if (exitCode === null && signalCode === null && pid !== undefined) process.kill(-pid, "SIGTERM");
    await this.#exited;
    return this.#hasStopped;
  }
}

const contentTypes: Readonly<Record<string, string>> = { ".html": "text/html", ".js": "text/javascript" };

/** Serves the files of a folder, until it is disposed of. */
export async function serveFolder(folder: string) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://site");
    const path = join(folder, pathname === "/" ? "index.html" : pathname);
    const body = await readFile(path).catch(() => undefined);
    response.writeHead(body === undefined ? 404 : 200, { "content-type": contentTypes[extname(path)] ?? "text/plain" });
    response.end(body);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
