import assert from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as passed } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { readProcessUsage } from "../../../bench/lib/process-usage.ts";
import { findFaults, readSegments } from "../recordings.ts";
import { type LogLine, ServerProcess } from "../server-process.ts";
import type { AttackOrder, AttackReport } from "./attack-worker.ts";
import type { AttackMeans } from "./attacks.ts";
import { collectable, collectGarbage } from "./collect-garbage.ts";
import { HonestStreams } from "./honest-streams.ts";
import { LatencyJudge } from "./latency-judge.ts";
import { tlsAttacks } from "./token-attacks.ts";

export const honestCount = 200;
const [flushMs, ackMs] = [250, 250];
/** Of every server that is attacked. */
const usualFlags: readonly string[] = [
  ...["--rotate-s", "60", "--flush-ms", String(flushMs), "--ack-ms", String(ackMs), "--headers-timeout-s", "3"],
  ...["--max-connections", "1000", "--max-sockets", "300", "--max-handshakes", "512"],
  ...["--max-frames-per-s", "2000", "--max-queued-mb", "40"],
  // Attackers that are not of this machine come through a proxy: limits by address count for them.
  ...["--trusted-proxies", "127.0.0.0/8", "--max-connections-per-address", "100", "--max-api-requests-per-s", "20"],
];
/** What of the memory may stay: code, the heap's slack, catalogue; each attack alone asks for more. */
const maxGrownBytes = 200 * 1024 * 1024;
const maxReturnMs = 120_000;
const maxAttempts = 3;
const errorLevel = 50;

export interface AbuseSceneOptions {
  readonly folder: string;
  /** Besides those that every server has. */
  readonly flags: readonly string[];
  /** What attacks have to be answered with, by their names. */
  readonly expectations: Readonly<Record<string, readonly string[]>>;
  readonly means: AttackMeans;
  /** Of the honest devices; left out: the server asks for none. */
  readonly deviceToken?: string;
  /** Of who reads metrics; left out: the server asks for none. */
  readonly readerToken?: string;
  readonly onNote: (text: string) => void;
}

/** Honest devices, an attacker and the server between them. Disposing of it ends them. */
export class AbuseScene implements AsyncDisposable {
  readonly #options: AbuseSceneOptions;
  readonly #server: ServerProcess;
  readonly #honest: HonestStreams;
  readonly #judge: LatencyJudge;
  readonly #worker = new Worker(new URL("./attack-worker.ts", import.meta.url));
  readonly #plainPort: number;
  #beforeBytes = 0;

  private constructor(options: AbuseSceneOptions, server: ServerProcess, honest: HonestStreams) {
    this.#options = options;
    this.#server = server;
    this.#honest = honest;
    this.#judge = new LatencyJudge(honest);
    this.#plainPort = plainPortOf(server);
  }

  /** Resolves when it is known what quiet is. */
  static async open(options: AbuseSceneOptions): Promise<AbuseScene> {
    const { folder, flags, deviceToken, onNote } = options;
    const server = await ServerProcess.start({ folder, flags: [...usualFlags, ...flags], environment: collectable });
    const honest = await HonestStreams.open(plainPortOf(server), honestCount, deviceToken).catch(async (error) => {
      await server.kill();
      throw error;
    });
    const scene = new AbuseScene(options, server, honest);
    await scene.#judge.learn();
    scene.#beforeBytes = readProcessUsage(server.pid).rssBytes;
    onNote(`quiet: p99 ${scene.#judge.quietP99Ms} ms, ${scene.#beforeBytes >> 20} MiB`);
    return scene;
  }

  /** Every line of the server's log so far. */
  get lines(): readonly LogLine[] {
    return this.#server.lines;
  }

  /**
   * Runs attacks one after the other; one that is beyond the bound is run again, since what else the machine does comes once, and what
   * the attack does comes each time.
   *
   * @returns what is to be said of those that made the server slow each time
   */
  async attackAll(names: readonly string[]): Promise<readonly string[]> {
    const slow: string[] = [];
    for (const name of names) {
      const verdicts: string[] = [];
      for (let isSlow = true; isSlow && verdicts.length < maxAttempts; ) {
        const p99Ms = await this.#attack(name);
        const { quietP99Ms, boundMs } = this.#judge;
        isSlow = p99Ms > boundMs;
        verdicts.push(`${name}: p99 ${p99Ms} ms, of quiet ${quietP99Ms} ms, allowed ${boundMs} ms`);
        this.#note(verdicts.at(-1) ?? "");
        if (isSlow && verdicts.length === maxAttempts) slow.push(...verdicts);
      }
    }
    return slow;
  }

  /** That the attacks have left nothing that keeps the server slow. */
  async assertQuiet(): Promise<void> {
    assert.ok(await this.#judge.isQuietAgain(), `quiet: p99 ${this.#judge.quietP99Ms} ms behind all attacks`);
    this.#note(`quiet behind all attacks: p99 ${this.#judge.quietP99Ms} ms`);
  }

  /** What is counted of one metric, by the limit. */
  async readLimits(metric: string): Promise<ReadonlyMap<string, number>> {
    const { readerToken } = this.#options;
    const headers = readerToken === undefined ? undefined : { authorization: `Bearer ${readerToken}` };
    const answer = await fetch(`http://127.0.0.1:${this.#plainPort}/metrics`, { ...(headers && { headers }) });
    const metrics = await answer.text();
    assert.equal(answer.status, 200, metrics);
    const rows = metrics.matchAll(new RegExp(`^${metric}\\{limit="([A-Z_]+)"\\} (\\d+)$`, "gm"));
    return new Map([...rows].map(([, name = "", count]) => [name, Number(count)]));
  }

  /** That nothing is held of attackers that are gone: no memory, no place among those who follow the events. */
  async assertLetGo(): Promise<void> {
    const { pid } = this.#server;
    const grownBytes = () => readProcessUsage(pid).rssBytes - this.#beforeBytes;
    await until(2_000, async () => {
      await collectGarbage(this.#server);
      return grownBytes() < maxGrownBytes;
    });
    assert.ok(grownBytes() < maxGrownBytes, `${grownBytes()} bytes more than before`);
    this.#note(`let go: ${grownBytes() >> 20} MiB more than before`);
    let followerCount: number | undefined;
    await until(250, async () => {
      followerCount = (await this.readLimits("eet_limit_used")).get("EVENT_STREAM_LIMIT");
      return followerCount === 0;
    });
    assert.equal(followerCount, 0, "followers that the server still has");
  }

  /** That the honest devices have lost nothing: ends them and the server, and looks at what was stored. */
  async assertWhole(): Promise<void> {
    const server = this.#server;
    const { sent, unackedCount } = await this.#honest.finish();
    assert.equal(unackedCount, 0);
    await this.#untilFinished();
    assert.equal(await server.stop(), 0, server.errors);
    assert.deepEqual(server.problems.filter((line) => Number(line["level"]) >= errorLevel).slice(0, 3), []);
    const received = join(this.#options.folder, "data/received");
    const segments = (await readSegments(received)).filter(({ sidecar }) => sidecar.hwid?.startsWith("bench-"));
    const stored = Map.groupBy(segments, ({ sidecar }) => sidecar.hwid ?? "");
    for (const [hwid, count] of sent) {
      const own = stored.get(hwid) ?? [];
      const storedCount = own.reduce((sum, { sidecar }) => sum + sidecar.frames, 0);
      assert.equal(storedCount, count, hwid);
      assert.ok(
        own.every(({ sidecar }) => sidecar.gaps.length === 0 && sidecar.duplicates === 0),
        hwid,
      );
    }
    for (const hwid of ["bench-0", "bench-199"]) assert.deepEqual(await findFaults(join(received, hwid)), []);
  }

  #attack(name: string) {
    const { expectations, means } = this.#options;
    return this.#judge.measure(async () => {
      const port = tlsAttacks.has(name) ? this.#server.port : this.#plainPort;
      this.#worker.postMessage({ name, port, ...means } satisfies AttackOrder);
      const [report]: AttackReport[] = await once(this.#worker, "message");
      const answers = report?.answers ?? {};
      await this.#untilAlone();
      this.#note(`${name}: ${readProcessUsage(this.#server.pid).rssBytes >> 20} MiB, ${JSON.stringify(answers)}`);
      for (const wanted of expectations[name] ?? []) assert.ok((answers[wanted] ?? 0) > 0, `${name}: ${wanted} came`);
      assert.equal(answers["injected"] ?? answers["extension"], undefined, name);
      assert.equal(this.#honest.lostCount, 0, `${name}: honest devices stay connected`);
    });
  }

  /** Waits until the server has seen that attackers are gone: the next ones meet it as these have. */
  #untilAlone(): Promise<void> {
    return until(250, async () => {
      // At its limit it closes this connection too.
      const used = await this.readLimits("eet_limit_used").catch(() => undefined);
      return (used?.get("SOCKET_LIMIT") ?? Number.POSITIVE_INFINITY) < honestCount + 10;
    });
  }

  /** Waits until what is closed is derived: a stop waits for half a minute only. */
  #untilFinished(): Promise<void> {
    return until(500, async () => {
      const answer = await fetch(`http://127.0.0.1:${this.#plainPort}/healthz`);
      return ((await answer.json()) as { readonly finishing: number }).finishing === 0;
    });
  }

  #note(text: string): void {
    this.#options.onNote(text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
    this.#honest[Symbol.dispose]();
    await this.#server.kill();
  }
}

/** Asks again and again, for a while at most. */
async function until(intervalMs: number, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + maxReturnMs;
  while (!(await isSo()) && performance.now() < endMs) await passed(intervalMs);
}

/** Where devices come without TLS: the only port of a server without it. */
function plainPortOf({ lines, port }: ServerProcess): number {
  const plain = lines.find(({ msg }) => msg === "listening")?.["plain"];
  return typeof plain === "string" ? Number(new URL(plain.replace("{hwid}", "")).port) : port;
}
