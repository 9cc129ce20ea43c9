import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { findFreePorts } from "./free-ports.ts";

const examples = fileURLToPath(new URL("../../deploy/proxies", import.meta.url));
const deadlineMs = 60_000;

/** Programs that pass requests on, for which deploy/proxies has an example. */
export type ProxyName = "nginx" | "caddy";

export interface ReverseProxyOptions {
  /** For its files. */
  readonly folder: string;
  /** Of the server that it passes requests on to. */
  readonly port: number;
  /** Paths of certificate and key. */
  readonly cert: string;
  readonly key: string;
}

/** A text with all of these replaced. @throws Error for one that is not there: the example is another one now */
function replaceAll(text: string, pairs: readonly (readonly [from: string, to: string])[]): string {
  return pairs.reduce((result, [from, to]) => {
    if (!result.includes(from)) throw new Error(`the example has no ${from}`);
    return result.replaceAll(from, to);
  }, text);
}

/** The example with ports and certificates of the test, and around it what makes nginx one of this folder alone. */
async function writeNginx(
  { folder, port, cert, key }: ReverseProxyOptions,
  ownPort: number,
): Promise<readonly string[]> {
  const example = replaceAll(await readFile(join(examples, "nginx.conf"), "utf8"), [
    ["listen 443 ssl;", `listen 127.0.0.1:${ownPort} ssl;`],
    ["/etc/letsencrypt/live/eet.example.org/fullchain.pem", cert],
    ["/etc/letsencrypt/live/eet.example.org/privkey.pem", key],
    ["127.0.0.1:5096", `127.0.0.1:${port}`],
  ]);
  const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const path = join(folder, "nginx.conf");
  await writeFile(
    path,
    [
      `daemon off; pid ${join(folder, "nginx.pid")}; error_log stderr warn;`,
      // It would give up root's rights, and the folder is root's.
      ...(process.getuid?.() === 0 ? ["user root;"] : []),
      "events {}",
      "http {",
      ...places.map((name) => `${name}_temp_path ${join(folder, name)};`),
      `access_log off; ${example} }`,
    ].join("\n"),
  );
  return ["/usr/sbin/nginx", "-p", folder, "-e", "stderr", "-c", path];
}

/** The example with ports and certificates of the test; nothing is asked of any authority. */
async function writeCaddy(
  { folder, port, cert, key }: ReverseProxyOptions,
  ownPort: number,
): Promise<readonly string[]> {
  const example = replaceAll(await readFile(join(examples, "Caddyfile"), "utf8"), [
    ["\neet.example.org {", `\neet.example.org:${ownPort}, 127.0.0.1:${ownPort} {\n  tls ${cert} ${key}`],
    ["127.0.0.1:5096", `127.0.0.1:${port}`],
  ]);
  const path = join(folder, "Caddyfile");
  await writeFile(path, `{\n  admin off\n  auto_https disable_redirects\n}\n${example}`);
  return ["caddy", "run", "--adapter", "caddyfile", "--config", path];
}

/** nginx or Caddy as the example in deploy/proxies has it, on a free port of the loopback. Disposing of it ends it. */
export class ReverseProxy implements AsyncDisposable {
  /** Where it speaks TLS. */
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #errors = "";

  private constructor(child: ChildProcess, port: number) {
    this.port = port;
    this.#child = child;
    this.#exited = once(child, "close");
    child.stderr?.on("data", (text) => {
      this.#errors += text;
    });
  }

  /** Resolves when it takes connections. */
  static async start(name: ProxyName, options: ReverseProxyOptions): Promise<ReverseProxy> {
    const { folder } = options;
    const [port = 0] = await findFreePorts(1);
    const [command = "", ...args] = await (name === "nginx" ? writeNginx : writeCaddy)(options, port);
    const env = { PATH: process.env["PATH"], HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder };
    const proxy = new ReverseProxy(spawn(command, args, { env, stdio: ["ignore", "ignore", "pipe"] }), port);
    await proxy.#listening();
    return proxy;
  }

  async #listening(): Promise<void> {
    for (const endMs = Date.now() + deadlineMs; ; await sleep(50)) {
      const socket = connect(this.port, "127.0.0.1");
      const [isOpen] = await Promise.race([
        once(socket, "connect").then(() => [true]),
        once(socket, "close").then(() => [false]),
      ]).catch(() => [false]);
      socket.destroy();
      if (isOpen) return;
      if (Date.now() > endMs || this.#child.exitCode !== null) throw new Error(`it does not listen: ${this.#errors}`);
    }
  }

  /** Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#exited;
  }
}
