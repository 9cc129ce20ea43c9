// Logins by a real OpenID provider in this process.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { CookieBrowser } from "./support/cookie-browser.ts";
import { ForwardClock, OpenServer } from "./support/open-server.ts";
import { OpenidProvider } from "./support/openid-provider.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./support/temporary-folder.ts";

const clientSecret = "secret-of-the-client-0123456789";
const hourMs = 3_600_000;

describe("a login by an OpenID provider", () => {
  let folder: TemporaryFolder;
  let provider: OpenidProvider;
  let server: OpenServer;
  let flags: Record<string, string>;
  let browser: CookieBrowser;
  const clock = new ForwardClock();
  const lines: string[] = [];
  before(async () => {
    folder = await makeTemporaryFolder();
    provider = await OpenidProvider.listen();
    const secretPath = join(folder.path, "secret");
    await writeFile(secretPath, `${clientSecret}\n`);
    flags = {
      ...{ "oidc-issuer": provider.issuer, "oidc-client-id": "eet", "oidc-client-secret-file": secretPath },
      ...{ "oidc-scopes": "openid profile groups", "oidc-roles": "eet-admins=admin; eet-ops=operator; staff=viewer" },
      ...{ "oidc-name": "Example", "oidc-contact": "it@example.org" },
    };
    server = await OpenServer.open(folder.path, flags, clock.clock);
  });
  after(async () => {
    await server.close();
    await provider[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    browser = new CookieBrowser();
  });

  const origin = () => `http://127.0.0.1:${server.port}`;
  const begin = (next = "/storage") => `${origin()}/api/v1/oidc/login?next=${encodeURIComponent(next)}`;
  /** Opens an address of the login, and follows it until the page begins. @returns where that is */
  async function follow(address: string, by = browser): Promise<string> {
    const isPage = (url: URL) => url.origin === origin() && !url.pathname.startsWith("/api/");
    return (await by.open(address, isPage)).location.href.replace(origin(), "");
  }
  const facts = async (by = browser) => {
    const url = `${origin()}/api/v1/access`;
    const response = await fetch(url, { headers: { cookie: by.cookieFor(new URL(url)) } });
    return (await response.json()) as Readonly<Record<string, unknown>>;
  };
  const logIn = async (name: string, groups: readonly string[], by = browser) => {
    provider.person = { name, groups };
    return follow(begin(), by);
  };
  async function restart(changes: Readonly<Record<string, string>> = {}): Promise<void> {
    lines.push(JSON.stringify(server.lines));
    const { port } = server;
    await server.close();
    server = await OpenServer.open(folder.path, { ...flags, port: String(port), ...changes }, clock.clock);
  }
  const readAudit = async () =>
    (await readFile(join(folder.path, "data", "audit", "audit.jsonl"), "utf8"))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));

  it("needs no provider at the start, says that it is away, and tries again at each login", async () => {
    await server.line("logins by the OpenID provider fail as long as it is away");
    assert.equal(await follow(begin()), "/login#problem=OIDC_UNREACHABLE");
    await provider.begin({ clientSecret, redirectUri: `${origin()}/api/v1/oidc/callback` });
    clock.forward(3_000);
    assert.equal(await logIn("ann", ["staff"]), "/storage");
  });

  it("asks everybody for a login, though there is no token, and tells the page of the provider", async () => {
    assert.equal((await fetch(`${origin()}/api/v1/devices`)).status, 401);
    assert.deepEqual(await facts(), {
      ...{ mode: "protected", name: null, role: null, token_id: null, is_session: false, setup_open: false },
      oidc: { name: "Example", contact: "it@example.org" },
    });
  });

  it("uses PKCE, state and nonce, and sends the browser back to the server as it was asked", async () => {
    assert.equal(await logIn("ann", ["staff"]), "/storage");
    const asked = browser.visited.find(({ pathname }) => pathname === "/auth")?.searchParams;
    assert.equal(asked?.get("code_challenge_method"), "S256");
    assert.equal(asked?.get("redirect_uri"), `${origin()}/api/v1/oidc/callback`);
    for (const name of ["state", "nonce", "code_challenge"]) assert.ok((asked?.get(name)?.length ?? 0) >= 43, name);
  });

  it("gives the best role of the person's groups, and is told in the audit log", async () => {
    for (const [groups, role] of [
      [["staff"], "viewer"],
      [["staff", "eet-ops", "others"], "operator"],
      [["eet-admins", "staff"], "admin"],
    ] as const) {
      const by = new CookieBrowser();
      assert.equal(await logIn(`one-${role}`, groups, by), "/storage");
      const { name, role: given, is_session: isSession } = await facts(by);
      assert.deepEqual([name, given, isSession], [`one-${role}`, role, true]);
    }
    const { act, who, role, address, facts: told } = (await readAudit()).at(-1);
    assert.deepEqual([act, who, role, address], ["login", "one-admin", "admin", "127.0.0.1"]);
    assert.deepEqual(told, { issuer: provider.issuer, subject: "one-admin" });
  });

  it("sets a cookie that no script reads and no other site sends, and takes that of the way back", async () => {
    await logIn("ann", ["staff"]);
    const callback = browser.visited.at(-1);
    assert.equal(callback?.pathname, "/api/v1/oidc/callback");
    assert.doesNotMatch(browser.cookieFor(callback), /eet_oidc/);
    const first = new CookieBrowser();
    const { response } = await first.open(begin(), () => true);
    const [ticket = ""] = response.headers.getSetCookie();
    assert.match(ticket, /^eet_oidc=[\w.-]+; Path=\/api\/v1\/oidc; HttpOnly; SameSite=Lax; Max-Age=600$/);
    provider.person = { name: "ann", groups: ["staff"] };
    const last = await first.open(begin(), ({ pathname }) => pathname === "/storage");
    const session = last.response.headers.getSetCookie().find((line) => line.startsWith("eet_session="));
    assert.match(session ?? "", /^eet_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/);
  });

  it("keeps its cookie to TLS where people find the page by that", async () => {
    await restart({ "public-url": "https://eet.example.org" });
    const { response } = await browser.open(begin(), () => true);
    assert.match(response.headers.getSetCookie()[0] ?? "", /^eet_oidc=[\w.-]+; .*; Secure$/);
    await restart();
  });

  it("leads to no other server", async () => {
    for (const next of ["//evil.example", "https://evil.example", "/\\evil.example", "/a?b=//evil.example", "x"]) {
      provider.person = { name: "ann", groups: ["staff"] };
      assert.equal(await follow(begin(next)), "/", next);
    }
  });

  it("refuses who has none of the groups, which the audit log tells, too", async () => {
    assert.equal(await logIn("eve", ["others", "*"]), "/login#problem=PERSON_REFUSED");
    assert.equal((await facts())["name"], null);
    const { act, who } = (await readAudit()).at(-1);
    assert.deepEqual([act, who], ["login.failed", "eve"]);
  });

  it("fails when the person cancels, and for answers that are not of a login of this browser", async () => {
    const failed = "/login#problem=OIDC_FAILED";
    provider.person = undefined;
    assert.equal(await follow(begin()), failed);
    provider.person = { name: "ann", groups: ["staff"] };
    const { location } = await browser.open(begin(), ({ pathname }) => pathname.endsWith("/callback"));
    const answer = location.href;
    // Another browser is led to it: that would log its person in as somebody else.
    assert.equal(await follow(answer, new CookieBrowser()), failed);
    const other = new CookieBrowser();
    await other.open(begin(), ({ pathname }) => pathname === "/auth");
    assert.equal(await follow(answer, other), failed);
    assert.equal((await facts(other))["name"], null);
    assert.equal(await follow(answer), "/storage");
    assert.equal(await follow(answer), failed);
  });

  it("fails when it takes longer than ten minutes, or the server was restarted meanwhile", async () => {
    for (const wait of [async () => clock.forward(601_000), () => restart()]) {
      provider.person = { name: "ann", groups: ["staff"] };
      const { location } = await browser.open(begin(), ({ pathname }) => pathname.endsWith("/callback"));
      await wait();
      assert.equal(await follow(location.href), "/login#problem=OIDC_FAILED");
    }
  });

  it("goes on over a restart, and ends with its logout and after half a day", async () => {
    const other = new CookieBrowser();
    await logIn("ann", ["staff"]);
    await logIn("ann", ["staff"], other);
    await restart();
    assert.equal((await facts())["name"], "ann");
    const cookie = browser.cookieFor(new URL(origin()));
    await fetch(`${origin()}/api/v1/logout`, { method: "POST", headers: { cookie } });
    assert.deepEqual([(await facts())["name"], (await facts(other))["name"]], [null, "ann"]);
    clock.forward(12 * hourMs);
    assert.equal((await facts(other))["name"], null);
  });

  it("shows neither the secret of the client nor what came from the provider in any log", async () => {
    const codes = browser.visited
      .map(({ searchParams }) => searchParams.get("code") ?? "")
      .filter((code) => code !== "");
    await logIn("ann", ["staff"]);
    codes.push(browser.visited.at(-1)?.searchParams.get("code") ?? "");
    const told = `${lines.join()}${JSON.stringify(server.lines)}${JSON.stringify(await readAudit())}`;
    assert.ok((codes.at(-1)?.length ?? 0) > 10);
    for (const secret of [clientSecret, ...codes]) assert.ok(!told.includes(secret), secret);
  });

  it("ends when the person logs in with another role, and when the settings give another", async () => {
    const [first, second] = [new CookieBrowser(), new CookieBrowser()];
    await logIn("ben", ["eet-ops"], first);
    await logIn("ben", ["staff"], second);
    assert.deepEqual([(await facts(first))["role"], (await facts(second))["role"]], [null, "viewer"]);
    await restart({ "oidc-roles": "staff=operator", "public-url": "https://eet.example.org" });
    assert.equal((await facts(second))["role"], null);
    // Where browsers are sent back to is told by that setting, whatever they call the server.
    const { location } = await new CookieBrowser().open(begin(), ({ pathname }) => pathname === "/auth");
    assert.equal(location.searchParams.get("redirect_uri"), "https://eet.example.org/api/v1/oidc/callback");
  });
});
