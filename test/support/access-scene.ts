import { OpenServer } from "./open-server.ts";

/** A server with tokens of people and devices, as they are after some months. Disposing of it stops it. */
export class AccessScene implements AsyncDisposable {
  readonly server: OpenServer;
  readonly origin: string;
  /** Secret of an administrator. */
  readonly #secret: string;
  #viewer: string | undefined;

  private constructor(server: OpenServer, secret: string) {
    this.server = server;
    this.origin = `http://127.0.0.1:${server.port}`;
    this.#secret = secret;
  }

  static async open(folder: string): Promise<AccessScene> {
    const server = await OpenServer.open(folder, {});
    const origin = `http://127.0.0.1:${server.port}`;
    const { secret } = await send(origin, "POST", "/tokens", { role: "admin", name: "Ann" });
    const scene = new AccessScene(server, secret);
    for (const wanted of tokens) await scene.#send("POST", "/tokens", wanted);
    const old = await scene.#send("POST", "/tokens", { hwid: "proto-*", name: "prototypes of spring" });
    await scene.#send("DELETE", `/tokens/${old.token.id}`);
    const rotated = await scene.#send("POST", "/tokens", { hwid: "gate-?", name: "gates" });
    await scene.#send("POST", `/tokens/${rotated.token.id}/rotate`, { overlap_h: 24 });
    await scene.logIn("viewer");
    return scene;
  }

  /** What the cookie of somebody's login holds. */
  async logIn(role: "viewer" | "admin"): Promise<string> {
    this.#viewer ??= (await this.#send("POST", "/tokens", { role: "viewer", name: "Bo" })).secret;
    const secret = role === "admin" ? this.#secret : this.#viewer;
    const response = await fetch(`${this.origin}/api/v1/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token: secret }),
    });
    return /eet_session=([^;]+)/.exec(response.headers.get("set-cookie") ?? "")?.[1] ?? "";
  }

  #send(method: string, path: string, body?: object): Promise<Made> {
    return send(this.origin, method, path, body, { authorization: `Bearer ${this.#secret}` });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
  }
}

interface Made {
  readonly token: { readonly id: string };
  readonly secret: string;
}

const tokens = [
  { role: "viewer", name: "display in the hall" },
  { role: "operator", name: "backup script", expires_days: 20 },
  { hwid: "*" },
  { hwid: "kitchen-*", name: "kitchen, three of them" },
  { hwid: "barn-north", name: "barn, north side, behind the old silo", expires_days: 2 },
] as const;

async function send(
  origin: string,
  method: string,
  path: string,
  body?: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<Made> {
  const json = body === undefined ? {} : { "content-type": "application/json" };
  const request = { method, headers: { ...json, ...headers }, body: body === undefined ? null : JSON.stringify(body) };
  const response = await fetch(`${origin}/api/v1${path}`, request);
  if (!response.ok) throw new Error(`${method} ${path} was answered with ${response.status}`);
  return (await response.json()) as Made;
}
