import type { Server } from "node:http";
import type { Socket } from "node:net";
import { totalmem } from "node:os";
import { httpServerOptions } from "./api/api-limits.ts";
import { pickLiveLimits } from "./config/limit-settings.ts";
import type { ServerSettings } from "./config/settings.ts";
import { addressKeyOf } from "./kernel/client-address.ts";
import { KeyedCounts } from "./kernel/keyed-counts.ts";
import { LimitTally } from "./kernel/limit-tally.ts";
import type { Log } from "./kernel/log.ts";
import { TrustedProxies } from "./listening/trusted-proxies.ts";
import { connectionsForFdLimit, readFdLimit, socketsForFdLimit } from "./storage/fd-limit-store.ts";

/** Connections when the system does not tell its limit of open files. */
const fallbackMaxConnections = 10_000;
/** Of the memory, for what waits for the disk. */
const queueShare = 1 / 4;

/** What bounds a server's clients, as its settings and its machine say, and where refusals are counted. */
export class Limiting {
  readonly tally = new LimitTally();
  readonly #limits: ServerSettings;
  readonly #log: Log;
  readonly #fdLimit = readFdLimit();
  readonly #servers: Server[] = [];
  readonly #byAddress = new KeyedCounts<string>();
  readonly #proxies: TrustedProxies;
  #socketCount = 0;

  constructor(settings: ServerSettings, log: Log) {
    this.#limits = { ...settings };
    this.#log = log;
    this.#proxies = new TrustedProxies(settings.trustedProxies);
    this.#tell();
    const allowed = () => this.maxConnections + this.maxSockets;
    this.tally.show("SOCKET_LIMIT", () => ({ used: this.#socketCount, allowed: allowed() }));
  }

  /** The settings, of which {@link change} changes those of limits: to be read whenever one is asked for. */
  get limits(): ServerSettings {
    return this.#limits;
  }

  /** Devices connected at once. [S-2.6] */
  get maxConnections(): number {
    const { maxConnections } = this.#limits;
    const carried = this.#fdLimit === undefined ? fallbackMaxConnections : connectionsForFdLimit(this.#fdLimit);
    return maxConnections === 0 ? carried : Math.min(maxConnections, carried);
  }

  /** TCP connections at once besides those of devices. */
  get maxSockets(): number {
    const { maxSockets } = this.#limits;
    return this.#fdLimit === undefined ? maxSockets : Math.min(maxSockets, socketsForFdLimit(this.#fdLimit));
  }

  /** What is received and not on disk yet. */
  get maxQueuedBytes(): number {
    const { maxQueuedMb } = this.#limits;
    return maxQueuedMb === 0 ? memoryBytes() * queueShare : maxQueuedMb * 1e6;
  }

  /** For what takes devices. */
  get ofDevices() {
    const { maxConnections, maxQueuedBytes } = this;
    return { ...this.#limits, maxConnections, maxQueuedBytes };
  }

  /** For what is bounded as the settings say at the moment: the HTTP endpoints, the live side. */
  get ofViewers() {
    return { limits: this.limits, tally: this.tally };
  }

  /** Takes over the limits that can change live. Who is connected stays, also where fewer may be now. */
  change(settings: ServerSettings): void {
    const [connections, sockets] = [this.maxConnections, this.maxSockets];
    Object.assign(this.#limits, pickLiveLimits(settings));
    if (connections !== this.maxConnections || sockets !== this.maxSockets) this.#tell();
    for (const server of this.#servers) this.#set(server);
  }

  #tell(): void {
    const { maxConnections, maxSockets } = this;
    this.#log.info({ maxConnections, maxSockets, fdLimit: this.#fdLimit }, "connections are limited");
  }

  /**
   * Bounds the connections of a server that listens, devices included: what comes above is closed at once. One address may
   * have half of the places that are not for devices; nobody knows at this point whose those of a trusted proxy are.
   */
  bound(server: Server): void {
    this.#servers.push(server);
    this.#set(server);
    server.on("drop", () => this.tally.note("SOCKET_LIMIT"));
    server.on("connection", (socket) => this.#count(socket));
  }

  #set(server: Server): void {
    server.maxConnections = this.maxConnections + this.maxSockets;
    const { headersTimeout, requestTimeout, keepAliveTimeout } = httpServerOptions(this.#limits);
    Object.assign(server, { headersTimeout, requestTimeout, keepAliveTimeout });
  }

  #count(socket: Socket): void {
    const { maxConnectionsPerAddress } = this.#limits;
    const address = socket.remoteAddress ?? "";
    const key = this.#proxies.isTrusted(address, 0) ? undefined : addressKeyOf(address);
    if (key !== undefined && this.#byAddress.of(key) >= maxConnectionsPerAddress + this.maxSockets / 2) {
      this.tally.note("SOCKET_LIMIT");
      socket.destroy();
      return;
    }
    const leave = key === undefined ? undefined : this.#byAddress.add(key);
    this.#socketCount += 1;
    socket.once("close", () => {
      this.#socketCount -= 1;
      leave?.();
    });
  }
}

/** What this process may use: a container has less than its machine. */
function memoryBytes(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}
