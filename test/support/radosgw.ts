import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { inspect, promisify } from "node:util";
import { S3Client } from "@aws-sdk/client-s3";
import { findFreePorts } from "./free-ports.ts";
import { type SkipReason, skipWithout } from "./tools.ts";

const script = fileURLToPath(new URL("./s3-radosgw-up.sh", import.meta.url));
const answerDeadlineMs = 60_000;
const startAttempts = 3;

/** Whether a real S3 gateway can be started here: its Debian packages are installed and this is root. */
export function skipWithoutRadosgw(): SkipReason {
  const missing = skipWithout("radosgw");
  if (missing !== false) return missing;
  return process.getuid?.() === 0 ? false : "needs root to start radosgw";
}

/** A real S3 server, Ceph's radosgw on an in-memory store: path style, one user, no bucket at first. */
export class Radosgw {
  readonly url: string;
  readonly credentials: { readonly kind: "static"; readonly accessKeyId: string; readonly secretAccessKey: string } = {
    kind: "static",
    accessKeyId: "AKRGW",
    secretAccessKey: "SKRGW",
  };
  readonly #folder: string;
  #gateway: ChildProcess | undefined;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** A client of the test's own, to look at what is there; destroy it after use. */
  createClient(): S3Client {
    const { url: endpoint, credentials } = this;
    return new S3Client({
      endpoint,
      credentials,
      region: "us-east-1",
      forcePathStyle: true,
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
    });
  }

  /** Starts a cluster of its own on free ports; takes about 15 s. */
  static async start(): Promise<Radosgw> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await Radosgw.#startOnce();
      } catch (error) {
        // Between being found free and being listened on, a port can be somebody else's.
        if (attempt === startAttempts) throw error;
        console.error(`radosgw does not start, attempt ${attempt}: ${inspect(error)}`);
      }
    }
  }

  static async #startOnce(): Promise<Radosgw> {
    const folder = await mkdtemp(join(tmpdir(), "radosgw-"));
    const [monitorPort, gatewayPort] = await findFreePorts(2);
    if (monitorPort === undefined || gatewayPort === undefined) throw new Error("no free ports");
    const radosgw = new Radosgw(folder, gatewayPort);
    try {
      await promisify(execFile)(script, [folder, String(monitorPort), String(gatewayPort)]);
      await radosgw.startGateway();
      return radosgw;
    } catch (error) {
      await radosgw.stop();
      throw error;
    }
  }

  /** Begins or ends an outage: only the gateway comes or goes, what is stored stays. */
  async startGateway(): Promise<void> {
    const log = await open(join(this.#folder, "gateway.log"), "a");
    const args = ["-c", join(this.#folder, "ceph.conf"), "-n", "client.rgw.a", "-f"];
    this.#gateway = spawn("radosgw", args, { stdio: ["ignore", log.fd, log.fd] });
    await once(this.#gateway, "spawn");
    await log.close();
    await this.#answers();
  }

  /** Kills the gateway and waits until it is gone. */
  async stopGateway(): Promise<void> {
    const gateway = this.#gateway;
    this.#gateway = undefined;
    if (gateway === undefined || gateway.exitCode !== null) return;
    const exited = once(gateway, "exit");
    gateway.kill("SIGKILL");
    await exited;
  }

  /** Ends all processes and removes the store. */
  async stop(): Promise<void> {
    await this.stopGateway();
    for (const name of ["osd.0", "mon.a"]) {
      const pid = await readFile(join(this.#folder, "run", `${name}.pid`), "utf8").catch(() => "");
      if (pid !== "") killIfThere(Number(pid));
    }
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  async #answers(): Promise<void> {
    const deadline = AbortSignal.timeout(answerDeadlineMs);
    for (;;) {
      const response = await fetch(this.url, { signal: deadline }).catch(() => undefined);
      if (response !== undefined) return;
      if (deadline.aborted || this.#gateway?.exitCode !== null) {
        const log = await readFile(join(this.#folder, "gateway.log"), "utf8");
        throw new Error(`radosgw does not answer: ${log.slice(-2000)}`);
      }
      await sleep(50);
    }
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
