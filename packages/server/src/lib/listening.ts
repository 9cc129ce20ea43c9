import type { IncomingMessage, Server, ServerOptions, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import type { FastifyInstance, FastifyServerOptions } from "fastify";
import { isLoopbackHost } from "./access/host-policy.ts";
import { problemDetails } from "./api/problem-details.ts";
import type { ServerSettings } from "./config/settings.ts";
import type { Clock } from "./kernel/clock.ts";
import { RequestError, type ServerError } from "./kernel/errors.ts";
import type { Log } from "./kernel/log.ts";
import { judgeCertificate, judgePlainRequest } from "./listening/entrance-rules.ts";
import { HandshakeLog } from "./listening/handshake-log.ts";
import { addressesOf, listenOn, stopListening } from "./listening/http-listeners.ts";
import { copyServer, createHttpServer, type RequestHandler } from "./listening/http-servers.ts";
import type { TlsPaths } from "./listening/tls-files-store.ts";
import type { TlsKeeper, TlsKeeperOptions } from "./listening/tls-keeper.ts";
import { TrustedProxies } from "./listening/trusted-proxies.ts";
import type { OwnEntrance } from "./simulation/ws-simulated-device.ts";
import { routeUpgrades, type UpgradeRoutes } from "./upgrade-router.ts";

/** Settings that say where and how a server listens. */
export type ListeningSettings = Pick<
  ServerSettings,
  | "host"
  | "port"
  | "tlsCert"
  | "tlsKey"
  | "tlsClients"
  | "tlsClientCa"
  | "tlsClientCrl"
  | "plainHost"
  | "plainPort"
  | "trustedProxies"
>;

export interface ListeningOptions {
  readonly settings: ListeningSettings;
  readonly clock: Clock;
  readonly log: Log;
}

/** What listens needs of the parts behind it. */
export interface ListeningParts {
  readonly routes: Omit<UpgradeRoutes, "receive">;
  /** Whether a request is of a device that the server itself plays. */
  readonly isOwnDevice: (request: IncomingMessage) => boolean;
  /** Whether everybody may do everything, for the sole reason that nobody but this machine reaches the server. */
  readonly isOpenToMachine: () => boolean;
  /** Ends what WebSockets there are. */
  readonly stop: () => Promise<unknown>;
}

/** Where a server listens. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

/** Of fastify's options, with its defaults. */
interface ServedOptions {
  readonly http: ServerOptions;
  readonly requestTimeout: number;
  readonly keepAliveTimeout: number;
}

/** The sockets that a server listens on, what is spoken there, and who may come in by which. */
export class Listening {
  readonly #options: ListeningOptions;
  readonly #proxies: TrustedProxies;
  /** `undefined`: TLS is off. */
  readonly tls: TlsKeeper | undefined;
  #handler: RequestHandler = () => {};
  #http: ServerOptions = {};
  #isOwnDevice: ListeningParts["isOwnDevice"] = () => false;
  #isOpenToMachine: ListeningParts["isOpenToMachine"] = () => true;
  readonly #further: Server[] = [];
  #address: Place | undefined;
  #plainAddress: Place | undefined;
  #isProxyTold = false;

  private constructor(options: ListeningOptions, proxies: TrustedProxies, tls: TlsKeeper | undefined) {
    this.#options = options;
    this.#proxies = proxies;
    this.tls = tls;
  }

  /** @throws ConfigError `TLS_UNUSABLE` */
  static async open(options: ListeningOptions): Promise<Listening> {
    const { settings, clock, log } = options;
    const paths = tlsPathsOf(settings);
    const tls = paths && (await openTls({ paths, clock, log }));
    return new Listening(options, new TrustedProxies(settings.trustedProxies), tls);
  }

  /** Where devices, the page and the API are. */
  get address(): Place {
    if (this.#address === undefined) throw new TypeError("the server listens on no TCP port");
    return this.#address;
  }

  /** Where devices are that cannot speak TLS, if anywhere. */
  get plainAddress(): Place | undefined {
    return this.#plainAddress;
  }

  /** Where this server takes devices, seen from itself, and the certificate that it shows there. */
  get own(): OwnEntrance {
    const { host, port } = this.address;
    const own = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
    const certificate = this.tls?.material.certificate.toString();
    return { url: `${certificate === undefined ? "ws" : "wss"}://${formatPlace({ host: own, port })}/ws`, certificate };
  }

  /** For the HTTP endpoints: what they are served by, and whose word on clients counts. */
  get served(): Pick<FastifyServerOptions, "serverFactory" | "trustProxy"> {
    const proxies = this.#proxies;
    return {
      serverFactory: (handler, options) => {
        // What fastify gives the servers that it makes itself.
        const { http, requestTimeout, keepAliveTimeout } = options as unknown as ServedOptions;
        this.#handler = handler;
        this.#http = { ...http, requestTimeout, keepAliveTimeout };
        return this.#createMain();
      },
      ...(proxies.areThereAny && { trustProxy: proxies.isTrusted }),
    };
  }

  /**
   * Takes requests and WebSockets until the endpoints are closed.
   *
   * @throws the system's error when a port is taken
   */
  async listen(app: FastifyInstance, { routes, isOwnDevice, isOpenToMachine, stop }: ListeningParts): Promise<void> {
    const { host, port, plainHost, plainPort } = this.#options.settings;
    this.#isOwnDevice = isOwnDevice;
    this.#isOpenToMachine = isOpenToMachine;
    routeUpgrades(app.server, { ...routes, receive: (request) => this.#receive(request) });
    app.addHook("preClose", async () => {
      const ended = this.#further.map(stopListening);
      // A server closes only when its WebSockets have ended.
      await stop();
      for (const server of this.#further) server.closeAllConnections();
      await Promise.all(ended);
    });
    const [first = host, ...others] = await addressesOf(host);
    await app.listen({ host: first, port });
    this.#address = placeOf(app.server);
    // As with the names of machines that have two addresses, the first one is what counts.
    for (const other of others) {
      const server = this.#open(app.server, routes, this.#createMain(), (request) => this.#receive(request));
      await listenOn(server, { host: other, port: this.#address.port }).catch(() => server.close());
    }
    if (plainPort === undefined) return;
    const servesAll = isLoopbackHost(plainHost);
    const receive = (request: IncomingMessage) => {
      const refusal = this.#settle(request);
      return refusal ?? (servesAll ? undefined : judgePlainRequest(request));
    };
    const plain = createHttpServer(this.#http, this.#guard(receive));
    this.#open(app.server, routes, plain, receive);
    this.#plainAddress = await listenOn(plain, { host: plainHost, port: plainPort });
  }

  /** Reads the files of TLS again. Never rejects. */
  async reload(): Promise<void> {
    await this.tls?.reload();
  }

  /** Idempotent; never rejects. */
  async close(): Promise<void> {
    await this.tls?.close();
  }

  #createMain(): Server {
    const { settings, clock, log } = this.#options;
    const handler = this.#guard((request) => this.#receive(request));
    if (this.tls === undefined) return createHttpServer(this.#http, handler);
    const failures = new HandshakeLog({ clock, log });
    return createHttpServer(this.#http, handler, {
      keeper: this.tls,
      asksForCertificates: settings.tlsClients !== "off",
      onFailure: (code, remote) => failures.note(code, remote),
    });
  }

  #open(
    main: Server,
    routes: ListeningParts["routes"],
    server: Server,
    receive: (request: IncomingMessage) => ServerError | undefined,
  ): Server {
    copyServer(main, server);
    routeUpgrades(server, { ...routes, receive });
    this.#further.push(server);
    return server;
  }

  /** Looks at each request before anything else does. */
  #guard(receive: (request: IncomingMessage) => ServerError | undefined): RequestHandler {
    return (request, response) => {
      const refusal = receive(request);
      if (refusal === undefined) this.#handler(request, response);
      else answer(response, refusal);
    };
  }

  #receive(request: IncomingMessage): ServerError | undefined {
    const refusal = this.#settle(request);
    if (refusal !== undefined) return refusal;
    if (this.tls === undefined || this.#options.settings.tlsClients !== "required") return undefined;
    return this.#isOwnDevice(request) ? undefined : judgeCertificate(request, this.tls);
  }

  /** @returns why what an unnamed proxy brings may not come in: it would be taken for this machine, which may do everything */
  #settle(request: IncomingMessage): ServerError | undefined {
    if (!this.#proxies.settle(request)) return undefined;
    const isRefused = this.#isOpenToMachine();
    this.#tellOfProxy(request.socket.remoteAddress, isRefused);
    if (!isRefused) return undefined;
    const detail =
      "a proxy brought it that nobody named, to a server that asks for no token as only its machine reaches it";
    return new RequestError("PROXY_UNKNOWN", detail);
  }

  #tellOfProxy(remoteAddress: string | undefined, isRefused: boolean): void {
    if (this.#isProxyTold) return;
    this.#isProxyTold = true;
    const name = "Name the proxy in Server:TrustedProxies (--trusted-proxies)";
    const [fix, message] = isRefused
      ? [
          `${name}, and make a token (eet token create --role admin); or insist with --insecure-open.`,
          "a proxy that nobody named brings requests, which are refused: without a token the server is for this machine alone",
        ]
      : [
          `${name}; until then all its clients count as one.`,
          "X-Forwarded-* is ignored: it came from an address that is no known proxy",
        ];
    this.#options.log.warn({ remoteAddress, fix }, message);
  }
}

/** Reading certificates takes many modules: they are loaded only where there are any. */
async function openTls(options: TlsKeeperOptions): Promise<TlsKeeper> {
  return (await import("./listening/tls-keeper.ts")).TlsKeeper.open(options);
}

/** The files of TLS, `undefined` where it is off. @param folder - that relative paths count from; default: the working one */
export function tlsPathsOf(
  { tlsCert, tlsKey, tlsClientCa, tlsClientCrl, tlsClients }: ListeningSettings,
  folder = "",
): TlsPaths | undefined {
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  const find = (path: string | undefined) => (path === undefined ? undefined : resolve(folder, path));
  const ofClients = tlsClients === "off" ? {} : { clientCa: find(tlsClientCa), clientCrl: find(tlsClientCrl) };
  return { cert: resolve(folder, tlsCert), key: resolve(folder, tlsKey), ...ofClients };
}

/** As URLs have it. */
export function formatPlace({ host, port }: Place): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function placeOf(server: Pick<Server, "address">): Place {
  const { address: host, port } = server.address() as AddressInfo;
  return { host, port };
}

function answer(response: ServerResponse, error: ServerError): void {
  const { status, body } = problemDetails(error);
  response.writeHead(status, {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    // The body of what was refused is not read.
    connection: "close",
  });
  response.end(JSON.stringify(body));
}
