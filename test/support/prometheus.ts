import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findFreePorts } from "./free-ports.ts";

/** A series of an instant query's answer. */
export interface PromSeries {
  readonly metric: Readonly<Record<string, string>>;
  /** Time in s, value. */
  readonly value: readonly [number, string];
}

interface PromAnswer {
  readonly status: string;
  readonly error?: string;
  readonly data: { readonly result: readonly PromSeries[] };
}

const deadlineMs = 60_000;

/** A real Prometheus that scrapes one server each second. Disposing of it kills it. */
export class Prometheus implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #url: string;
  readonly #exited: Promise<unknown>;
  #errors = "";

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.#url = url;
    this.#exited = once(child, "close");
    child.stderr?.on("data", (text) => {
      this.#errors += text;
    });
  }

  /**
   * @param folder - for its settings and data
   * @param target - `127.0.0.1:5096`
   */
  static async start(folder: string, target: string): Promise<Prometheus> {
    const config = {
      global: { scrape_interval: "1s", scrape_timeout: "1s" },
      scrape_configs: [{ job_name: "eet", static_configs: [{ targets: [target] }] }],
    };
    const path = join(folder, "prometheus.yml");
    // JSON is YAML.
    await writeFile(path, JSON.stringify(config));
    const [port] = await findFreePorts(1);
    const flags = [`--config.file=${path}`, `--storage.tsdb.path=${join(folder, "tsdb")}`];
    const child = spawn("prometheus", [...flags, `--web.listen-address=127.0.0.1:${port}`], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    return new Prometheus(child, `http://127.0.0.1:${port}`);
  }

  /** Asks until there is a series: a rate needs two scrapes. @throws Error when none comes, or the query is wrong */
  async query(expression: string): Promise<readonly PromSeries[]> {
    const url = `${this.#url}/api/v1/query?${new URLSearchParams({ query: expression })}`;
    const deadline = AbortSignal.timeout(deadlineMs);
    for (;;) {
      const response = await fetch(url, { signal: deadline }).catch(() => undefined);
      if (response !== undefined && response.status !== 503) {
        const { status, error, data } = (await response.json()) as PromAnswer;
        if (status !== "success") throw new Error(`${expression}: ${error}`);
        if (data.result.length > 0) return data.result;
      }
      if (deadline.aborted || this.#child.exitCode !== null)
        throw new Error(`no series for ${expression}: ${this.#errors.slice(-2000)}`);
      await sleep(100);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }
}
