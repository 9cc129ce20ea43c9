import { once } from "node:events";
import { readdir, readFile, readlink } from "node:fs/promises";
import { type IncomingMessage, request as openRequest } from "node:http";
import { request as openTlsRequest } from "node:https";
import { createServer } from "node:net";
import { json } from "node:stream/consumers";
import { systemErrorCode, toError } from "../kernel/errors.ts";
import { type Finding, failure, warning, well } from "./finding.ts";

const answerTimeoutMs = 2_000;
/** State of a socket that listens, in /proc/net/tcp. */
const listening = "0A";

/**
 * Whether a server could listen there, and if not, who does.
 *
 * @param certPath - of the certificate that it would show; default: it speaks no TLS
 */
export async function checkPort(host: string, port: number, certPath?: string): Promise<Finding> {
  const place = `${host}:${port}`;
  const error = await tryToListen(host, port);
  if (error === undefined) return well("port", port === 0 ? "a free one is taken" : `${place} is free`);
  switch (systemErrorCode(error)) {
    case "EADDRINUSE":
      return await describeHolder(host, port, certPath);
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return failure("port", `this machine does not have the address ${host}`, "Correct Server:Host.");
    case "EACCES":
      return failure("port", `this user may not listen on ${place}`, "Choose a port of 1024 or more with Server:Port.");
    default:
      return failure(
        "port",
        `${place} cannot be listened on: ${error.message}`,
        "Correct Server:Host and Server:Port.",
      );
  }
}

function tryToListen(host: string, port: number): Promise<Error | undefined> {
  const { promise, resolve } = Promise.withResolvers<Error | undefined>();
  const server = createServer();
  server.once("error", (error) => resolve(toError(error)));
  server.listen({ host, port }, () => server.close(() => resolve(undefined)));
  return promise;
}

async function describeHolder(host: string, port: number, certPath: string | undefined): Promise<Finding> {
  const place = `${host}:${port}`;
  const name = await askName(host, port, certPath);
  if (name !== undefined) return well("port", `${name} runs at ${place}`);
  const holder = await findHolder(port);
  const fix = `Stop it, or choose another port with --port.`;
  const who = holder ?? "another program";
  return (holder === undefined ? warning : failure)("port", `${who} listens on ${place} already`, fix);
}

/** The EET server that answers there, if it is one, with its version where it tells everybody. */
async function askName(host: string, port: number, certPath: string | undefined): Promise<string | undefined> {
  const name = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  try {
    const health = await askHealth(name, port, certPath);
    if (typeof health !== "object" || health === null) return undefined;
    // That of a server which answers nobody without a certificate.
    if ("code" in health && health.code === "CERTIFICATE_MISSING") return "an EET server";
    if (!("status" in health) || (health.status !== "ok" && health.status !== "degraded")) return undefined;
    return "version" in health ? `an EET server (${health.version})` : "an EET server";
  } catch {
    return undefined;
  }
}

async function askHealth(host: string, port: number, certPath: string | undefined): Promise<unknown> {
  const signal = AbortSignal.timeout(answerTimeoutMs);
  const target = { host, port, path: "/healthz", signal };
  // It has to show this certificate; by which name it is asked does not matter.
  const trust = certPath && {
    ...{ ca: await readFile(certPath), allowPartialTrustChain: true, checkServerIdentity: () => undefined },
  };
  const request = trust ? openTlsRequest({ ...target, ...trust }) : openRequest(target);
  // Told twice where the time is over.
  request.on("error", () => {});
  request.end();
  const [response] = (await once(request, "response", { signal })) as [IncomingMessage];
  return await json(response);
}

/** The process that listens on a port, as far as this user may see it. Linux only. */
async function findHolder(port: number): Promise<string | undefined> {
  const inodes = new Set(await listeningInodes(port));
  if (inodes.size === 0) return undefined;
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const fds = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const fd of fds) {
      const link = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => "");
      const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
      if (inode !== undefined && inodes.has(inode)) return await nameProcess(pid);
    }
  }
  return undefined;
}

async function listeningInodes(port: number): Promise<readonly string[]> {
  const tables = await Promise.all(
    ["/proc/net/tcp", "/proc/net/tcp6"].map((path) => readFile(path, "utf8").catch(() => "")),
  );
  const end = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return tables
    .flatMap((table) => table.split("\n").map((line) => line.trim().split(/\s+/)))
    .filter(([, local, , state]) => local?.endsWith(end) === true && state === listening)
    .flatMap((fields) => fields[9] ?? []);
}

async function nameProcess(pid: string): Promise<string> {
  const name = await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "");
  return `pid ${pid} (${name.trim()})`;
}
