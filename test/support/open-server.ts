import { join } from "node:path";
import { EetServer, readSettings, type ServerOptions } from "@eet/server";
import { Conditions } from "./conditions.ts";

type Clock = NonNullable<ServerOptions["clock"]>;

/** The machine's clocks, which can be put forward. */
export class ForwardClock {
  #aheadMs = 0;

  /** Time passes at once. */
  forward(ms: number): void {
    this.#aheadMs += ms;
  }

  /** As a server takes it. */
  readonly clock: Clock = {
    wallMs: () => (Date.now() + this.#aheadMs) as ReturnType<Clock["wallMs"]>,
    monotonicMs: () => (performance.now() + this.#aheadMs) as ReturnType<Clock["monotonicMs"]>,
  };
}

/** A line of a server's log. */
export type ServerLine = Readonly<Record<string, unknown>> & { readonly msg: string };

/** A server in the process of the test. Disposing of it stops it gracefully. */
export class OpenServer implements AsyncDisposable {
  /** Every line of its log so far. */
  readonly lines: readonly ServerLine[];
  readonly #server: EetServer;
  readonly #conditions: Conditions;

  private constructor(server: EetServer, lines: readonly ServerLine[], conditions: Conditions) {
    this.#server = server;
    this.lines = lines;
    this.#conditions = conditions;
  }

  /**
   * @param flags - by name without dashes
   * @param environment - variables that it has settings by; no others of this process do
   * @param more - what a server has besides settings
   */
  static async open(
    folder: string,
    flags: Readonly<Record<string, string>>,
    clock?: Clock,
    environment: Readonly<Record<string, string>> = {},
    more: Pick<ServerOptions, "maxWorkerSilenceMs" | "automaticWorkers"> = {},
  ): Promise<OpenServer> {
    const given = { flags: { port: "0", data: join(folder, "data"), ...flags }, environment };
    const { settings } = await readSettings(folder, given);
    const lines: ServerLine[] = [];
    const conditions = new Conditions(() => `the last line is ${JSON.stringify(lines.at(-1))}`);
    const note = (fields: Readonly<Record<string, unknown>>, msg: string) => {
      lines.push({ ...fields, msg });
      conditions.check();
    };
    const log = { debug: note, info: note, warn: note, error: note };
    const server = await EetServer.open({ settings, log, version: "0", ...(clock && { clock }), ...more });
    return new OpenServer(server, lines, conditions);
  }

  get port(): number {
    return this.#server.address.port;
  }

  /** Where devices are that cannot speak TLS. */
  get plainPort(): number | undefined {
    return this.#server.plainAddress?.port;
  }

  /** See {@link EetServer.reloadCertificates}. */
  reloadCertificates(): Promise<void> {
    return this.#server.reloadCertificates();
  }

  /** See {@link EetServer.watching}. */
  get watching(): EetServer["watching"] {
    return this.#server.watching;
  }

  /** `ws://127.0.0.1:{port}/ws` */
  get url(): string {
    return `ws://127.0.0.1:${this.port}/ws`;
  }

  /** Waits for a line of the log, past or coming, that begins so. */
  line(start: string): Promise<void> {
    return this.#conditions.until(`a line begins with "${start}"`, () =>
      this.lines.some(({ msg }) => msg.startsWith(start)),
    );
  }

  /** Waits until the lines of the log are so. */
  until(what: string, isSo: () => boolean): Promise<void> {
    return this.#conditions.until(what, isSo);
  }

  /** Waits until so many segments have been closed. */
  closedSegments(count: number): Promise<void> {
    const isClosed = ({ msg }: ServerLine) => msg === "segment closed";
    return this.#conditions.until(`${count} segments are closed`, () => this.lines.filter(isClosed).length >= count);
  }

  /** Waits for a line of the log, past or coming, that tells of the end of a device's connection for a reason. */
  ended(hwid: string, code: string): Promise<void> {
    const isSo = (line: ServerLine) => line["hwid"] === hwid && line["code"] === code;
    return this.#conditions.until(`a connection of ${hwid} ends with ${code}`, () => this.lines.some(isSo));
  }

  /** Stops gracefully; idempotent. */
  close(): Promise<void> {
    return this.#server.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
