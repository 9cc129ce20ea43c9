import assert from "node:assert/strict";
import { join } from "node:path";
import { readProcessUsage } from "../../../bench/lib/process-usage.ts";
import { AckFleet } from "../ack-fleet.ts";
import { checkDelivery } from "../delivery-checker.ts";
import { fuzzSeed } from "../fuzz-seed.ts";
import { ServerProcess } from "../server-process.ts";
import { CaseRandom } from "./byte-mutator.ts";
import type { Traffic } from "./live-traffic.ts";
import { exchange, findUndocumented } from "./raw-websocket.ts";

/** What of a server's memory may be new after the first quarter: the heap's own slack, never what came. */
const maxGrownBytes = 64 * 1024 * 1024;
const errorLevel = 50;
const usualFlags = ["--rotate-s", "1", "--flush-ms", "100", "--ack-ms", "100"];

export interface FuzzedServerOptions {
  readonly name: string;
  readonly folder: string;
  readonly flags: readonly string[];
  readonly honestCount: number;
  /** Unique among the servers of a test. */
  readonly number: number;
  /** Of the honest devices; left out: the server asks for none. */
  readonly token?: string;
}

/** A server to which anything is sent while some honest devices stream. Disposing of it ends them. */
export class FuzzedServer implements AsyncDisposable {
  readonly name: string;
  readonly process: ServerProcess;
  readonly #options: FuzzedServerOptions;
  readonly #fleet: AckFleet;
  readonly #codes = new Map<number, number>();
  #earlyBytes = 0;

  private constructor(options: FuzzedServerOptions, server: ServerProcess) {
    const { name, honestCount, number, token } = options;
    this.name = name;
    this.process = server;
    this.#options = options;
    this.#fleet = new AckFleet({
      ...{ name: "honest", deviceCount: honestCount, fleetNumber: number, seed: fuzzSeed, tickMs: 20 },
      ...(token !== undefined && { token }),
    });
    this.#fleet.aim(server.url);
  }

  static async start(options: FuzzedServerOptions): Promise<FuzzedServer> {
    const { folder, flags } = options;
    return new FuzzedServer(options, await ServerProcess.start({ folder, flags: [...usualFlags, ...flags] }));
  }

  /** Sends what one connection sends. @throws AssertionError for an answer that is not documented */
  async meet(index: number, localAddress: string, traffic: Traffic): Promise<void> {
    const bytes = traffic(new CaseRandom(fuzzSeed + index));
    const answer = await exchange(this.process.port, localAddress, bytes);
    const fault = findUndocumented(answer, (code) => this.#codes.set(code, (this.#codes.get(code) ?? 0) + 1));
    const shown = bytes.toString("latin1").slice(0, 2_000);
    assert.equal(fault, undefined, `FUZZ_SEED=${fuzzSeed}, connection ${index}: ${shown}`);
  }

  /** What of the memory is in use once caches are warm. */
  async noteMemory(): Promise<void> {
    await this.#fleet.caughtUp();
    this.#earlyBytes = readProcessUsage(this.process.pid).rssBytes;
  }

  /** @returns status and close codes that came, for messages */
  async assertFlat(): Promise<string> {
    await this.#fleet.caughtUp();
    const lateBytes = readProcessUsage(this.process.pid).rssBytes;
    const memory = `${this.#earlyBytes >> 20} MiB, then ${lateBytes >> 20} MiB`;
    assert.ok(lateBytes - this.#earlyBytes < maxGrownBytes, `${this.name}: ${memory}`);
    const described = [...this.#codes].toSorted(([a], [b]) => a - b).map(([code, times]) => `${times} x ${code}`);
    return `${this.name}: ${described.join(", ")}; memory: ${memory}`;
  }

  /** That each of these came at least once. */
  assertCame(codes: readonly number[]): void {
    for (const code of codes) assert.ok(this.#codes.has(code), `${this.name}: ${code} came`);
  }

  /** That honest devices have lost nothing. @returns frames of theirs that were stored */
  async assertWhole(): Promise<number> {
    const fleet = this.#fleet;
    await fleet.finish();
    assert.deepEqual([...fleet.faults, ...fleet.forgotten], []);
    assert.equal(await this.process.stop(), 0, this.process.errors);
    const errors = this.process.problems.filter((line) => Number(line["level"]) >= errorLevel);
    assert.deepEqual(errors, []);
    const received = join(this.#options.folder, "data/received");
    const { faults, frameCount } = await checkDelivery(fleet.devices, { received });
    assert.deepEqual(faults, []);
    assert.ok(frameCount > 0);
    return frameCount;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#fleet[Symbol.dispose]();
    await this.process.kill();
  }
}
