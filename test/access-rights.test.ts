// Who may what: each route of the real server, asked by nobody, a device, and people of each role. A route without a row in
// this table fails, and so does a row without a route.
import assert from "node:assert/strict";
import { subscribe } from "node:diagnostics_channel";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { openTokenBook, roles, silentLog, systemClock } from "@eet/server";
import { WebSocket } from "ws";
import { OpenServer } from "./support/open-server.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

/** From the one who may least on. */
const holders = ["nobody", "device", "viewer", "operator", "admin"] as const;
type Holder = (typeof holders)[number];

/** The least that one has to be, and what one may then. `page` stands for each file of the page. */
const table: Readonly<Record<Holder, readonly string[]>> = {
  nobody: [
    ...["GET /healthz", "GET /readyz", "page"],
    ...["GET /api/openapi.json", "GET /api/docs", "GET /api/docs/*"],
    ...["GET /api/v1/access", "POST /api/v1/login", "POST /api/v1/logout", "POST /api/v1/setup"],
    ...["GET /api/v1/oidc/login", "GET /api/v1/oidc/callback"],
  ],
  device: ["POST /echo"],
  viewer: [
    ...["GET /metrics", "GET /api/v1/metrics", "GET /api/v1/storage", "GET /api/v1/uploads", "GET /api/v1/pins"],
    ...["GET /api/v1/devices", "GET /api/v1/devices/:hwid", "GET /api/v1/devices/:hwid/timeline"],
    ...["GET /api/v1/devices/:hwid/sessions", "GET /api/v1/devices/:hwid/pins", "GET /api/v1/devices/:hwid/audio"],
    "GET /api/v1/devices/:hwid/audio/gaps",
    ...["GET /api/v1/devices/:hwid/peaks", "GET /api/v1/devices/:hwid/spectrogram", "GET /api/v1/sessions"],
    ...["GET /api/v1/sessions/:session", "GET /api/v1/segments", "GET /api/v1/segments/:id"],
    ...["GET /api/v1/segments/:id/files/:kind", "GET /api/v1/events", "GET /api/v1/events/stream"],
    ...["GET /api/v1/deliveries", "GET /api/v1/dead-letters", "GET /api/v1/retention/preview"],
    "GET /api/v1/simulated-devices",
  ],
  operator: [
    ...["PATCH /api/v1/devices/:hwid", "POST /api/v1/devices/:hwid/pins", "DELETE /api/v1/pins/:id"],
    ...["POST /api/v1/deliveries/replay", "POST /api/v1/dead-letters/replay", "POST /api/v1/uploads/retry"],
    ...["POST /api/v1/simulated-devices", "DELETE /api/v1/simulated-devices/:hwid"],
  ],
  admin: [
    ...["DELETE /api/v1/segments/:id", "DELETE /api/v1/devices/:hwid/segments", "POST /api/v1/retention/run"],
    ...["GET /api/v1/log-level", "PUT /api/v1/log-level", "GET /api/v1/tokens", "POST /api/v1/tokens"],
    ...["DELETE /api/v1/tokens/:id", "POST /api/v1/tokens/:id/rotate"],
  ],
};

/** Upgrades: what each holder is answered. The tokens of people open no stream, those of devices show no audio. */
const upgrades: Readonly<Record<string, Readonly<Record<Holder, number>>>> = {
  "/ws": { nobody: 401, device: 101, viewer: 403, operator: 403, admin: 403 },
  "/ws/attic": { nobody: 401, device: 101, viewer: 403, operator: 403, admin: 403 },
  "/ws/echo": { nobody: 401, device: 101, viewer: 101, operator: 101, admin: 101 },
  "/api/v1/live": { nobody: 401, device: 403, viewer: 101, operator: 101, admin: 101 },
};

describe("the rights of each role", () => {
  const stack = new AsyncDisposableStack();
  /** `METHOD /path` as the server has added them; those of HEAD follow from GET. */
  const routes = new Set<string>();
  const secrets: Partial<Record<Holder, string>> = {};
  let origin: string;
  before(async () => {
    subscribe("fastify.initialization", (message) => {
      const { fastify } = message as { fastify: { addHook(name: "onRoute", hook: (route: Route) => void): void } };
      fastify.addHook("onRoute", ({ method, url }) => {
        for (const name of [method].flat()) if (name !== "HEAD") routes.add(`${name} ${url}`);
      });
    });
    const folder = stack.use(await makeTemporaryFolder());
    const book = openTokenBook(join(folder.path, "data"), { clock: systemClock, log: silentLog });
    for (const role of roles) secrets[role] = book.create({ kind: "api", name: role, role }).secret;
    secrets.device = book.create({ kind: "device", name: "", hwidPattern: "*" }).secret;
    book.close();
    // The provider is never asked successfully: its routes are there.
    const oidc = { "oidc-issuer": "http://127.0.0.1:9", "oidc-client-id": "eet" };
    const server = stack.use(await OpenServer.open(folder.path, { ...oidc, "max-api-requests-per-s": "10000" }));
    origin = `http://127.0.0.1:${server.port}`;
  });
  after(() => stack.disposeAsync());

  const headersOf = (holder: Holder): Readonly<Record<string, string>> =>
    secrets[holder] === undefined ? {} : { authorization: `Bearer ${secrets[holder]}` };

  /** Asks with a body that no route takes: what is let in goes wrong later, and changes nothing. */
  async function ask(holder: Holder, method: string, path: string): Promise<Response> {
    const isRead = method === "GET" || method === "HEAD";
    const response = await fetch(`${origin}${path}`, {
      ...{ method, redirect: "manual" },
      headers: { ...headersOf(holder), ...(!isRead && { "content-type": "application/json" }) },
      ...(!isRead && { body: '{"nonsense":1}' }),
    });
    await response.body?.cancel();
    return response;
  }

  it("have a row for each route, and a route for each row", () => {
    const rows = Object.values(table).flat();
    const known = [...routes].map((route) => (isPage(route) ? "page" : route));
    assert.equal(new Set(rows).size, rows.length);
    assert.deepEqual([...new Set(known)].toSorted(), rows.toSorted());
  });

  it("are what the table says, for HEAD as for GET", async () => {
    const wrong: string[] = [];
    for (const [needed, rows] of Object.entries(table) as [Holder, readonly string[]][]) {
      const asked = rows.flatMap((row) => (row === "page" ? [...routes].filter(isPage).slice(0, 12) : [row]));
      for (const row of asked) {
        const [method = "", pattern = ""] = row.split(" ");
        await Promise.all(
          holders.map(async (holder) => {
            const isIn = holders.indexOf(holder) >= holders.indexOf(needed);
            const expected = isIn ? "let in" : holder === "nobody" ? 401 : 403;
            for (const verb of method === "GET" && !isIn ? ["GET", "HEAD"] : [method]) {
              const { status } = await ask(holder, verb, pathOf(pattern));
              // Nobody is refused for the role where nothing is asked for: a login, a set-up may be for other reasons.
              const got = needed !== "nobody" && (status === 401 || status === 403) ? status : "let in";
              if (got !== expected) wrong.push(`${verb} ${pattern} by ${holder}: ${status}, expected ${expected}`);
            }
          }),
        );
      }
    }
    assert.deepEqual(wrong, []);
  });

  it("are the same on paths that are written in another way", async () => {
    for (const path of [
      ...["/api/v1/tokens/", "//api/v1/tokens", "/api/v1//tokens", "/API/v1/tokens", "/api/v1/%74okens"],
      ...["/api/v1/devices/../tokens", "/api/docs/../v1/tokens", "/api/docs/static/..%2f..%2f..%2fv1/tokens"],
    ]) {
      const response = await fetch(`${origin}${path}`, { headers: headersOf("viewer"), redirect: "manual" });
      const text = await response.text();
      assert.ok(response.status >= 300 && !text.includes('"tokens"'), `${path}: ${response.status} ${text}`);
    }
  });

  it("count for nothing where a page of another site has led an administrator's browser here", async () => {
    const headers = { "content-type": "application/json", origin };
    const body = JSON.stringify({ token: secrets.admin });
    const login = await fetch(`${origin}/api/v1/login`, { method: "POST", headers, body });
    const cookie = login.headers.get("set-cookie")?.split(";", 1)[0] ?? "";
    const asked = (route: string, more: Readonly<Record<string, string>>) => {
      const [method = "", pattern = ""] = route.split(" ");
      const sent = { "content-type": "application/json", cookie, ...more };
      return fetch(`${origin}${pathOf(pattern)}`, { method, headers: sent, body: '{"nonsense":1}' });
    };
    const changing = [...routes].filter((route) => !route.startsWith("GET ") && route.includes("/api/"));
    assert.ok(changing.length >= 18);
    for (const route of changing) {
      for (const foreign of [
        { origin: "https://evil.example" },
        { origin: "null" },
        { "sec-fetch-site": "same-site" },
      ]) {
        const response = await asked(route, foreign);
        const { code } = (await response.json()) as { readonly code: string };
        assert.deepEqual([response.status, code], [403, "ORIGIN_REFUSED"], `${route} ${JSON.stringify(foreign)}`);
      }
      // From the server's own page it is let in, and goes wrong later; the logout would end what is asked with.
      if (route.endsWith("/logout")) continue;
      const own = await asked(route, { origin, "sec-fetch-site": "same-origin" });
      assert.ok(!(await own.text()).includes("ORIGIN_REFUSED"), route);
    }
    for (const path of Object.keys(upgrades)) {
      assert.ok(
        [401, 403].includes((await upgrade(`${origin}${path}`, { cookie, origin: "https://evil.example" })) ?? 0),
      );
    }
  });

  it("hold for upgrades", async () => {
    for (const [path, expected] of Object.entries(upgrades)) {
      const got = await Promise.all(holders.map((holder) => upgrade(`${origin}${path}`, headersOf(holder))));
      assert.deepEqual(got, Object.values(expected), path);
    }
  });
});

interface Route {
  readonly method: string | readonly string[];
  readonly url: string;
}

/** Whether a route is one of the page: its views, and the files of its build. */
function isPage(route: string): boolean {
  const [method, path = ""] = route.split(" ");
  if (method !== "GET" || path.startsWith("/api/")) return false;
  const views = /^\/(?:access|add|login|mic|storage|device\/:hwid(?:\/archive)?)?$/;
  return views.test(path) || /^\/(?:assets\/)?[\w-]+\.(?:js|css|svg|png|wasm|json|woff2)$/.test(path);
}

/** `/api/v1/devices/:hwid`, ... with what is not there. */
function pathOf(pattern: string): string {
  return pattern.replace(":hwid", "nobody").replace(":kind", "bin").replace("*", "x.css").replace(/:\w+/, "99999");
}

/** @returns the status of an upgrade request: 101 when it is taken */
async function upgrade(url: string, headers: Readonly<Record<string, string>>): Promise<number | undefined> {
  const socket = new WebSocket(url.replace("http", "ws"), { headers });
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  socket.on("open", () => resolve(101));
  socket.on("unexpected-response", (_request, response) => resolve(response.statusCode));
  socket.on("error", () => {});
  return promise.finally(() => socket.terminate());
}
