// Servers that stand behind the pictures of the page: see page-screenshots.ts.
import { once } from "node:events";
import { formatFrame, formatHandshake } from "@eet/protocol";
import { WebSocket } from "ws";
import { AccessScene } from "../test/support/access-scene.ts";
import { OpenServer } from "../test/support/open-server.ts";
import { PageScene } from "../test/support/page-scene.ts";
import { adpcmSound, birds, pcmSound, slowPcmSound, voice } from "../test/support/page-sounds.ts";
import { type DeviceSound, SoundDevice, sendSound } from "../test/support/sound-device.ts";
import { StorageScene } from "../test/support/storage-scene.ts";
import { makeTemporaryFolder } from "../test/support/temporary-folder.ts";

/** How a server is: with devices of all states, none, few with some days behind them, or many; uploads that fail; tokens. */
export type ServerName = "scene" | "empty" | "few" | "many" | "failures" | "outage" | "tokens";

/** A name by which other machines may ask, as far as the page can tell. */
export const publicHost = "recordings.example";

const manyCount = 120;
/** One in so many of them has left. */
const awayEvery = 40;
/** What they played by the time of the picture. */
const playedMs = 58_000;
/** Of each of the recordings that are some days old. */
const pastFrameCount = 900;
const names = [
  "Hall",
  "Reading room of the old library, second floor, window to the court",
  "Donaudampfschifffahrt".repeat(3),
];

/** Each is opened when it is asked for. Disposing stops all. */
export class PictureServers implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly #origins = new Map<ServerName, string>();
  #access: AccessScene | undefined;
  #scene: PageScene | undefined;

  /**
   * Where a server is. Its devices are connected: of a long run, some lose their connection where the machine is slow.
   *
   * @param host - another name of this machine
   */
  async origin(name: ServerName, host?: string): Promise<string> {
    const found = this.#origins.get(name) ?? (await this.#open(name));
    this.#origins.set(name, found);
    await this.#scene?.revive();
    return host === undefined ? found : found.replace("127.0.0.1", host);
  }

  /** What the cookie of somebody's login holds at `tokens`. */
  async logIn(role: "viewer" | "admin"): Promise<string> {
    await this.origin("tokens");
    return (await this.#access?.logIn(role)) ?? "";
  }

  async #open(name: ServerName): Promise<string> {
    const { path } = this.#stack.use(await makeTemporaryFolder());
    switch (name) {
      case "scene":
        this.#scene = this.#stack.use(await PageScene.open(path));
        return this.#scene.origin;
      case "empty":
        return this.#openFleet(path, 0);
      case "few":
        return this.#openFew(path);
      case "many":
        return this.#openFleet(path, manyCount);
      case "tokens":
        this.#access = this.#stack.use(await AccessScene.open(path));
        return this.#access.origin;
      default:
        return this.#openStorage(path, name);
    }
  }

  /** A server with two devices that send and have names, and recordings of some days, one of them with gaps. */
  async #openFew(path: string): Promise<string> {
    const server = this.#stack.use(
      await OpenServer.open(path, { "rotate-s": "5", wav: "false", "allowed-hosts": publicHost }),
    );
    const talk = slowPcmSound(await voice());
    const calls = slowPcmSound(birds(1));
    const sounds = {
      kitchen: talk,
      garden: calls,
      attic: { ...calls, isLost: (seq: number) => seq % 120 > 104 },
    };
    const hourMs = 3_600_000;
    for (const agoMs of [50 * hourMs, 27 * hourMs, 3 * hourMs, 140_000]) {
      const recorded = Object.entries(sounds).map(([hwid, sound]) => recordPast(server.url, hwid, sound, agoMs));
      await Promise.all(recorded);
    }
    const origin = `http://127.0.0.1:${server.port}`;
    this.#stack.use(await SoundDevice.open(server.url, "kitchen", adpcmSound(await voice())));
    this.#stack.use(await SoundDevice.open(server.url, "mic-0001", pcmSound(birds(5))));
    await describe(origin, "mic-0001", names[1] ?? "", ["library", "north wing"]);
    return origin;
  }

  /** A server with so many devices, nearly all of which send, and a few of which have names of all lengths. */
  async #openFleet(path: string, deviceCount: number): Promise<string> {
    const server = this.#stack.use(await OpenServer.open(path, { "rotate-s": "10", wav: "false" }));
    const origin = `http://127.0.0.1:${server.port}`;
    const sounds = [await voice(), birds(1), birds(2), birds(3), birds(4)].map((samples) => slowPcmSound(samples));
    for (let number = 0; number < deviceCount; number += 1) {
      const hwid = `mic-${String(number).padStart(4, "0")}`;
      const sound = sounds[number % sounds.length];
      if (sound === undefined) continue;
      if (number % awayEvery === awayEvery - 1) await sendSound(server.url, hwid, sound, pastFrameCount);
      else this.#stack.use(await SoundDevice.open(server.url, hwid, sound, 1, playedMs));
      const name = names[number];
      if (name !== undefined) await describe(origin, hwid, name, ["library", "north wing"]);
    }
    return origin;
  }

  /** A server whose uploads fail. */
  async #openStorage(path: string, name: "failures" | "outage"): Promise<string> {
    const quotas = name === "outage" ? {} : { "retention-max-age-d": "30", "retention-max-gb": "0.002" };
    const scene = this.#stack.use(await StorageScene.open(path, quotas, name === "failures" ? 20 : 0));
    if (name === "outage") await scene.fillWithOutage();
    else await scene.fillWithFailures();
    return scene.server.url;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

async function describe(origin: string, hwid: string, name: string, tags: readonly string[]): Promise<void> {
  await fetch(`${origin}/api/v1/devices/${hwid}`, {
    method: "PATCH",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name, tags }),
  });
}

/** Records what would have been heard then. */
async function recordPast(url: string, hwid: string, sound: DeviceSound, agoMs: number): Promise<void> {
  const { format, payloads, isLost } = sound;
  const socket = new WebSocket(`${url}/${hwid}`, { perMessageDeflate: false });
  await once(socket, "open");
  socket.send(formatHandshake({ streamId: 1, format, timestampMs: BigInt(Date.now() - agoMs) }));
  for (let seq = 0; seq < pastFrameCount; seq += 1) {
    const payload = payloads[seq % payloads.length];
    if (payload !== undefined && isLost?.(seq) !== true) socket.send(formatFrame(format.codec, seq, payload));
  }
  socket.close();
  await once(socket, "close");
}
