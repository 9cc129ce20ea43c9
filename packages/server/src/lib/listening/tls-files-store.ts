import { readFile, stat } from "node:fs/promises";
import { systemErrorCode, toError } from "../kernel/errors.ts";
import { type TlsFile, type TlsFileName, type TlsFiles, unusable } from "./tls-material.ts";

/** Larger is no file of TLS; a revocation list of a million certificates has 40 MB. */
const maxFileBytes = 64 * 1024 * 1024;

/** Where the files of TLS are. */
export interface TlsPaths {
  readonly cert: string;
  readonly key: string;
  readonly clientCa?: string | undefined;
  readonly clientCrl?: string | undefined;
}

/** @throws ConfigError `TLS_UNUSABLE` for a file that cannot be read */
export async function readTlsFiles(paths: TlsPaths): Promise<TlsFiles> {
  const read = (name: TlsFileName) => {
    const path = paths[name];
    return path === undefined ? undefined : readTlsFile(name, path);
  };
  const [cert, key, clientCa, clientCrl] = await Promise.all([
    readTlsFile("cert", paths.cert),
    readTlsFile("key", paths.key),
    ...[read("clientCa"), read("clientCrl")],
  ]);
  return { cert, key, clientCa, clientCrl };
}

/**
 * Tells versions of the files apart, without reading them: changes whenever one was written or replaced, links that lead
 * elsewhere included.
 */
export async function stampTlsFiles(paths: TlsPaths): Promise<string> {
  const stamps = [paths.cert, paths.key, paths.clientCa, paths.clientCrl].map(async (path) => {
    if (path === undefined) return "none";
    const found = await stat(path, { bigint: true }).catch(() => undefined);
    return found === undefined ? "missing" : `${found.dev}:${found.ino}:${found.size}:${found.mtimeNs}`;
  });
  return (await Promise.all(stamps)).join(" ");
}

/** Whether other users of the machine may read a file. */
export async function isForAll(path: string): Promise<boolean> {
  return ((await stat(path)).mode & 0o004) !== 0;
}

async function readTlsFile(name: TlsFileName, path: string): Promise<TlsFile> {
  try {
    const { size } = await stat(path);
    if (size > maxFileBytes) throw new RangeError(`it has ${size} bytes`);
    return { path, text: await readFile(path, "utf8") };
  } catch (thrown) {
    const reasons: Readonly<Record<string, string>> = {
      ENOENT: "there is no such file",
      EACCES: "the user that runs the server may not read it",
      EISDIR: "it is a folder",
    };
    const { message } = toError(thrown);
    throw unusable(name, { path }, reasons[systemErrorCode(thrown) ?? ""] ?? `it cannot be read: ${message}`);
  }
}
