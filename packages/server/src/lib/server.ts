import { resolve } from "node:path";
import { createHttpApi } from "./api/http-api.ts";
import type { Settings } from "./config/settings.ts";
import { frameLogPath } from "./ingesting.ts";
import { systemClock } from "./kernel/clock.ts";
import { ClosingStack } from "./kernel/closing-stack.ts";
import { formatPlace, type Place } from "./listening.ts";
import { servePage } from "./page-serving.ts";
import { limitProbes, readReadiness } from "./readiness.ts";
import { recover } from "./recovering.ts";
import { readHealth } from "./server-health.ts";
import { openParts, type Parts, type ServerOptions } from "./server-parts.ts";
import { openServing } from "./serving.ts";

export type { ServerOptions } from "./server-parts.ts";

/** What each part has for closing besides the time that the settings give to uploads. */
const closeGraceMs = 5_000;

/** A running server: receives, records, derives, catalogues, uploads. */
export class EetServer {
  readonly #parts: Parts;
  readonly #stack: ClosingStack;
  /** Settles when what an earlier run left is finished; never rejects. */
  readonly recovered: Promise<void>;

  private constructor(parts: Parts, stack: ClosingStack, recovered: Promise<void>) {
    this.#parts = parts;
    this.#stack = stack;
    this.recovered = recovered;
  }

  /**
   * Opens everything in order and begins to take connections; what an earlier run left is finished meanwhile. [S-3.3]
   *
   * @throws StorageError when the data folder is held by another server or cannot be used, when the catalogue is
   *   unreadable; ConfigError for an object store or certificates that cannot be used; the system's error when a port is
   *   taken
   */
  static async open(options: ServerOptions): Promise<EetServer> {
    const stack = new ClosingStack(options.log, options.settings.server.shutdownTimeoutS * 1000 + closeGraceMs);
    try {
      const dataPath = resolve(options.settings.server.data);
      const parts = await openParts(options, dataPath, stack);
      await listen(parts, options, stack);
      const stopping = stack.add(new AbortController(), (controller) => controller.abort());
      const recovered = recover(parts, {
        ...{ dataPath, frameLogFolder: frameLogPath(dataPath), log: options.log, stopping: stopping.signal },
        wantsWav: options.settings.server.wav,
      });
      return new EetServer(parts, stack, recovered);
    } catch (error) {
      await stack.close();
      throw error;
    }
  }

  /** Where it listens. */
  get address(): Place {
    return this.#parts.listening.address;
  }

  /** Where it listens for devices that cannot speak TLS, if it does. */
  get plainAddress(): Place | undefined {
    return this.#parts.listening.plainAddress;
  }

  /** Whether TLS is spoken at {@link address}. */
  get isTls(): boolean {
    return this.#parts.listening.tls !== undefined;
  }

  /**
   * Lets in devices that this very process plays, under any id, whoever else has to show a token. In no list and in no file,
   * gone with the server: never to be shown.
   */
  get ownDeviceToken(): string {
    return this.#parts.guarding.ownSecret;
  }

  /** Devices connected at this moment. */
  get connectionCount(): number {
    return this.#parts.endpoint.connectionCount;
  }

  /** Viewers of the live side, and devices whose frames are shown to one of them. */
  get watching(): { readonly viewerCount: number; readonly deviceCount: number } {
    const { watching, ingest } = this.#parts;
    return { viewerCount: watching.endpoint.viewerCount, deviceCount: ingest.tapCount };
  }

  /** Takes over what of other settings can change while it runs: limits, quotas, who gets events. Never rejects. */
  applySettings(settings: Settings): Promise<void> {
    this.#parts.limiting.change(settings.server);
    this.#parts.endpoint.change(this.#parts.limiting.ofDevices);
    this.#parts.retaining.change(settings);
    return this.#parts.eventing.change(settings.events);
  }

  /** Reads certificates again, changed or not; those that cannot be used change nothing. Never rejects. */
  reloadCertificates(): Promise<void> {
    return this.#parts.listening.reload();
  }

  /**
   * Stops in reverse order: no new connections, every segment closed and finished, uploads in flight brought to an end
   * within `shutdownTimeoutS`. Idempotent; never rejects.
   */
  close(): Promise<void> {
    return this.#stack.close();
  }
}

async function listen(
  parts: Parts,
  { settings, log, version, maxReaderIdleMs, clock = systemClock }: ServerOptions,
  stack: ClosingStack,
): Promise<void> {
  const { data, simulatedDevices } = settings.server;
  const { guarding, limiting, listening, endpoint, watching } = parts;
  const serving = { ...parts, version, dataPath: resolve(data), simulatedDevices, clock, log };
  const sources = openServing(serving, stack);
  const catalog = limitProbes(parts.catalog, clock);
  const readiness = () => readReadiness({ ...parts, catalog, recovery: parts.recovery.state });
  const health = () => readHealth(parts, version);
  const app = createHttpApi({
    log,
    health,
    readiness,
    sources,
    maxReaderIdleMs,
    served: listening.served,
    ...limiting.ofViewers,
  });
  await servePage(app, log);
  guarding.watch(() => endpoint.review());
  listening.tls?.watch(() => endpoint.review());
  stack.add(app, () => app.close());
  await parts.ingest.ready;
  await listening.listen(app, {
    routes: { devices: endpoint, viewers: watching.endpoint, guard: guarding.guard, limiting, clock, log },
    isOwnDevice: (request) => guarding.isOwnDevice(request),
    isOpenToMachine: () => guarding.mode === "local",
    stop: () => Promise.all([endpoint.stop(), watching.endpoint.stop()]),
  });
  guarding.announce(pageUrlOf(listening));
}

/** Where people find the page. */
function pageUrlOf({ address: { host, port }, tls }: Pick<Parts["listening"], "address" | "tls">): string {
  const name = host === "0.0.0.0" || host === "::" ? "localhost" : host;
  return `${tls === undefined ? "http" : "https"}://${formatPlace({ host: name, port })}/`;
}
