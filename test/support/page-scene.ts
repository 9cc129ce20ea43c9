import { OpenServer } from "./open-server.ts";
import { adpcmSound, birds, machine, pcmSound, silence, stereoSound, voice } from "./page-sounds.ts";
import { type DeviceSound, SoundDevice } from "./sound-device.ts";

/** A server with devices that are worth looking at. Disposing of it stops all. */
export class PageScene implements AsyncDisposable {
  readonly server: OpenServer;
  readonly #devices = new Map<string, { readonly sound: DeviceSound; device: SoundDevice }>();
  #gate: SoundDevice | undefined;

  private constructor(server: OpenServer) {
    this.server = server;
  }

  /** Devices of all states; `gate` leaves at once. */
  static async open(folder: string, flags: Readonly<Record<string, string>> = {}): Promise<PageScene> {
    const scene = new PageScene(await OpenServer.open(folder, { "rotate-s": "2", ...flags }));
    const talk = await voice();
    const sounds: Readonly<Record<string, DeviceSound>> = {
      kitchen: adpcmSound(talk),
      hallway: pcmSound(talk),
      garden: adpcmSound(birds(1)),
      orchard: pcmSound(birds(2)),
      workshop: pcmSound(machine(2.6)),
      "pump-house": adpcmSound(machine(0.4)),
      cellar: pcmSound(silence()),
      attic: pcmSound(birds(3), (seq) => seq % 110 > 96),
      stage: stereoSound(),
    };
    for (const [hwid, sound] of Object.entries(sounds)) await scene.add(hwid, sound);
    const gate = await SoundDevice.open(scene.server.url, "gate", pcmSound(talk));
    scene.#gate = gate;
    setTimeout(() => void gate[Symbol.asyncDispose](), 4_000);
    return scene;
  }

  /** Where the page is. */
  get origin(): string {
    return `http://127.0.0.1:${this.server.port}`;
  }

  /** One device more. */
  async add(hwid: string, sound: DeviceSound): Promise<void> {
    this.#devices.set(hwid, { sound, device: await SoundDevice.open(this.server.url, hwid, sound) });
  }

  /** Connects again what has lost its connection. */
  async revive(): Promise<void> {
    for (const [hwid, { sound, device }] of this.#devices) {
      if (device.isOpen) continue;
      await device[Symbol.asyncDispose]();
      await this.add(hwid, sound);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { device } of this.#devices.values()) await device[Symbol.asyncDispose]();
    await this.#gate?.[Symbol.asyncDispose]();
    await this.server.close();
  }
}
