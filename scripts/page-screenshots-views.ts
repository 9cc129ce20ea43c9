// Every view and state of the page that pictures are taken of: see page-screenshots.ts.
import type { Page } from "playwright-core";
import { publicHost, type ServerName } from "./page-screenshots-servers.ts";

/** What is taken a picture of. */
export interface View {
  readonly path: string;
  /** Default: devices of all states. */
  readonly server?: ServerName;
  /** Script that runs in the page before its own. */
  readonly setUp?: string;
  /** Before the page is opened. */
  readonly prepare?: (page: Page) => Promise<unknown>;
  /** What a person does there first. */
  readonly act?: (page: Page) => Promise<unknown>;
  /** Of who is logged in, where the server asks for tokens. */
  readonly role?: "viewer" | "admin";
  /** Again before each picture: what a change of the window's size ends. */
  readonly prime?: (page: Page) => Promise<unknown>;
  /** Another name of this machine. */
  readonly host?: string;
  /** What is on screen alone, where the whole would be too long. */
  readonly isCut?: boolean;
}

const rows = 'localStorage.setItem("eet.fleet.layout", "rows")';
const phone = 'localStorage.setItem("eet.mic.hwid", "annas-phone")';
const day = 86_400_000;

const press = (page: Page, name: string | RegExp) => page.getByRole("button", { name }).first().click();

async function seeDevices(page: Page): Promise<void> {
  await page.locator(".device-item").first().waitFor();
}

async function seeLive(page: Page): Promise<void> {
  await page.locator(".device-names .state-badge:not(.is-offline, .is-unknown)").waitFor();
}

async function seeArchive(page: Page): Promise<void> {
  await page.locator(".archive-surface[aria-busy=false]").waitFor();
}

/** Each picture would make one more. */
async function pretendMaking(page: Page): Promise<void> {
  const token = { id: "d-5f0c1a77be21", kind: "device", name: "", hwid: "attic-*", role: null };
  const secret = `eet_d_${"Zk3vQ8xN".repeat(5)}abc`;
  await page.route("**/api/v1/tokens", (route) =>
    route.request().method() === "POST" ? route.fulfill({ status: 201, json: { token, secret } }) : route.continue(),
  );
}

/** From then on the page cannot reach its server. */
async function cutOff(page: Page): Promise<void> {
  await page.context().setOffline(true);
  await page.evaluate(() => (globalThis as unknown as { cutSockets(): void }).cutSockets());
}

/** Sockets outlive what makes a browser offline. */
const holdSockets = `
  const sockets = new Set();
  const Plain = WebSocket;
  globalThis.WebSocket = class extends Plain { constructor(...all) { super(...all); sockets.add(this); } };
  globalThis.cutSockets = () => { for (const socket of sockets) { socket.close(); socket.dispatchEvent(new CloseEvent("close", { code: 1006 })); } };`;

/** The page's own files come, the server's answers do not. */
async function refuseAnswers(page: Page): Promise<void> {
  await page.route("**/api/v1/**", (route) => route.abort());
}

/** What the server tells of who looks, and this instead. */
function tellAccess(facts: object): (page: Page) => Promise<unknown> {
  return (page) =>
    page.route("**/api/v1/access", async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...(await response.json()), ...facts } });
    });
}

const everybody = tellAccess({ mode: "insecure-open" });
const provider = tellAccess({ oidc: { name: "Example", contact: "it@example.org" } });

const fleet: Readonly<Record<string, View>> = {
  fleet: { path: "/", act: seeDevices },
  "fleet-rows": { path: "/", setUp: rows, act: seeDevices },
  "fleet-nothing": {
    path: "/",
    act: async (page) => {
      await seeDevices(page);
      await page.getByRole("searchbox").fill("greenhouse");
    },
  },
  "fleet-away": {
    path: "/",
    setUp: holdSockets,
    act: async (page) => {
      await seeDevices(page);
      await page.waitForTimeout(4_000);
      await cutOff(page);
    },
  },
  away: { server: "empty", path: "/", prepare: refuseAnswers },
  empty: { path: "/", server: "empty" },
  "fleet-one": { path: "/", server: "few", act: seeDevices },
  "fleet-many": { path: "/", server: "many", act: seeDevices, isCut: true },
  "fleet-many-rows": { path: "/", server: "many", setUp: rows, act: seeDevices, isCut: true },
  help: {
    path: "/",
    act: async (page) => {
      await seeDevices(page);
      await page.keyboard.press("?");
    },
    isCut: true,
  },
  "unknown-page": { server: "empty", path: "/nowhere/at-all" },
  "view-missing": {
    server: "empty",
    path: "/storage",
    prepare: (page) => page.route("**/assets/storage*", (route) => route.abort()),
  },
};

const device: Readonly<Record<string, View>> = {
  device: { server: "few", path: "/device/kitchen" },
  "device-past": { server: "few", path: "/device/garden" },
  "device-clipping": { path: "/device/workshop", act: seeLive },
  "device-stereo": { path: "/device/stage", act: seeLive },
  "device-silent": { path: "/device/cellar", act: seeLive },
  "device-gap": { path: "/device/attic", act: seeLive },
  "device-offline": { path: "/device/gate" },
  "device-back": {
    server: "few",
    path: "/device/kitchen",
    act: async (page) => {
      await page.locator(".state-badge.is-live").waitFor();
      await page.waitForTimeout(2_000);
      await page.keyboard.press("ArrowLeft");
    },
  },
  "device-hover": {
    server: "few",
    path: "/device/kitchen",
    act: seeLive,
    prime: (page) => page.locator(".live-picture").hover({ position: { x: 120, y: 90 } }),
  },
  "device-listening": { server: "few", path: "/device/kitchen", act: (page) => press(page, "Listen") },
  "device-edit": {
    server: "few",
    path: "/device/kitchen",
    act: async (page) => {
      await press(page, "Edit name and tags");
      await page.getByLabel("Tags, separated by commas").fill("house, ".repeat(40));
    },
  },
  "device-named": { path: "/device/mic-0001", server: "few" },
  "device-away": {
    server: "few",
    path: "/device/kitchen",
    setUp: holdSockets,
    act: async (page) => {
      await page.locator(".state-badge.is-live").waitFor();
      await page.waitForTimeout(8_000);
      await cutOff(page);
    },
  },
  "device-unknown": { server: "empty", path: "/device/never-heard" },
};

const archive: Readonly<Record<string, View>> = {
  archive: { server: "few", path: "/device/attic/archive" },
  "archive-range": {
    server: "few",
    path: "/device/kitchen/archive",
    act: async (page) => {
      await page.locator(".play-button").waitFor();
      await page.keyboard.press("[");
      await page.keyboard.press("Space");
    },
  },
  "archive-pinned": {
    server: "few",
    path: "/device/garden/archive",
    act: async (page) => {
      await seeArchive(page);
      await press(page, "Select what is in view");
      // At the next size of the window it is pinned already.
      const pin = page.getByRole("button", { name: "Pin", exact: true });
      if ((await pin.count()) > 0) await pin.click();
    },
  },
  "archive-gap": {
    server: "few",
    path: "/device/attic/archive",
    act: async (page) => {
      await page.locator(".gap-button").first().focus();
    },
  },
  "archive-goto": {
    server: "few",
    path: "/device/kitchen/archive",
    act: async (page) => {
      await seeArchive(page);
      await page.keyboard.press("g");
    },
  },
  "archive-close": {
    server: "few",
    path: "/device/kitchen/archive",
    act: async (page) => {
      await seeArchive(page);
      for (let time = 0; time < 12; time += 1) await page.keyboard.press("+");
    },
  },
  "archive-week": {
    server: "few",
    path: "/device/kitchen/archive",
    act: async (page) => {
      await seeArchive(page);
      await press(page, "Week");
    },
  },
  "archive-year": {
    server: "few",
    path: "/device/kitchen/archive",
    act: async (page) => {
      await seeArchive(page);
      await press(page, "Year");
    },
  },
  "archive-day": {
    server: "few",
    path: `/device/kitchen/archive?from=${Date.now() - day / 2}&to=${Date.now() + day / 24}`,
  },
  "archive-nothing": { server: "few", path: "/device/kitchen/archive?from=1772323200000&to=1772409600000" },
  "archive-unknown": { server: "empty", path: "/device/never-heard/archive" },
};

const storage: Readonly<Record<string, View>> = {
  storage: { server: "few", path: "/storage" },
  "storage-failures": {
    path: "/storage",
    server: "failures",
    act: async (page) => {
      await press(page, /^Show files/);
      await press(page, /^Remove the pin/);
    },
  },
  "storage-outage": { path: "/storage", server: "outage", act: (page) => press(page, /waiting$/) },
  "storage-away": { server: "empty", path: "/storage", prepare: refuseAnswers },
};

const rest: Readonly<Record<string, View>> = {
  add: {
    server: "few",
    path: "/add",
    act: async (page) => {
      const running = page.locator(".simulated-list li");
      await page.getByRole("button", { name: "Start a simulated device" }).waitFor();
      if ((await running.count()) < 2) await press(page, "Start a simulated device");
    },
  },
  "add-invalid": { server: "few", path: "/add", act: (page) => page.getByLabel("Id of the device").fill("barn 1") },
  "add-connected": {
    server: "few",
    host: publicHost,
    path: "/add",
    act: (page) => page.getByLabel("Id of the device").fill("kitchen"),
  },
  "add-arduino": {
    server: "few",
    host: publicHost,
    path: "/add",
    act: (page) => press(page, "Arduino"),
  },
  "add-token": {
    path: "/add",
    server: "tokens",
    role: "admin",
    act: async (page) => {
      await pretendMaking(page);
      await press(page, /^Make a token/);
    },
  },
  "add-viewer": { path: "/add", server: "tokens", role: "viewer" },
  mic: { server: "few", path: "/mic" },
  "mic-recording": {
    server: "few",
    path: "/mic",
    setUp: phone,
    act: async (page) => {
      await press(page, "Start");
      await page.waitForTimeout(8_000);
    },
  },
  "mic-stopped": {
    server: "few",
    path: "/mic",
    setUp: phone,
    act: async (page) => {
      await press(page, "Start");
      await page.waitForTimeout(8_000);
      await press(page, "Stop");
    },
  },
  "mic-held": {
    server: "few",
    path: "/mic",
    setUp: `${holdSockets}${phone}`,
    act: async (page) => {
      await press(page, "Start");
      await page.waitForTimeout(5_000);
      await cutOff(page);
    },
  },
  "mic-denied": {
    server: "few",
    path: "/mic",
    setUp: 'MediaDevices.prototype.getUserMedia = async () => { throw new DOMException("", "NotAllowedError"); };',
    act: (page) => press(page, "Start"),
  },
  "mic-insecure": {
    server: "empty",
    path: "/mic",
    setUp: 'Object.defineProperty(globalThis, "isSecureContext", { value: false });',
  },
  "mic-token": { path: "/mic", server: "tokens", role: "viewer" },
};

const access: Readonly<Record<string, View>> = {
  "access-open": { path: "/access", server: "empty" },
  access: { path: "/access", server: "tokens", role: "admin", act: (page) => page.locator("summary").click() },
  "access-form": {
    path: "/access",
    server: "tokens",
    role: "admin",
    act: async (page) => {
      await press(page, "Make a token");
      await press(page, "People and programs");
    },
  },
  "access-made": {
    path: "/access",
    server: "tokens",
    role: "admin",
    act: async (page) => {
      await pretendMaking(page);
      await press(page, "Make a token");
      await page.getByLabel("Ids of the devices").fill("attic-*");
      await press(page, "Make the token");
      await press(page, /^Revoke: barn/);
    },
  },
  "access-rotate": {
    path: "/access",
    server: "tokens",
    role: "admin",
    act: (page) => press(page, /^Rotate: kitchen/),
  },
  "access-viewer": { path: "/access", server: "tokens", role: "viewer" },
  "access-everybody": { path: "/access", server: "empty", prepare: everybody },
  login: { path: "/", server: "tokens" },
  "login-wrong": {
    path: "/login",
    server: "tokens",
    act: async (page) => {
      await page.getByLabel("Token").fill("eet_a_mistyped");
      await press(page, "Log in");
    },
  },
  "login-provider": { path: "/login#problem=PERSON_REFUSED", server: "tokens", prepare: provider },
  "login-setup": { path: "/login#setup=not-the-code", server: "empty" },
};

/** By name. */
export const views: Readonly<Record<string, View>> = {
  ...fleet,
  ...device,
  ...archive,
  ...storage,
  ...rest,
  ...access,
};
