import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import type { TlsIdentity } from "@eet/client";
import { CommandError } from "../command-error.ts";

/** Files that `eet stream` is given for `wss:`. */
export interface TlsPaths {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** @throws CommandError for a file that cannot be read */
export async function readTlsIdentity({ ca, cert, key }: TlsPaths): Promise<TlsIdentity | undefined> {
  if (ca === undefined && cert === undefined && key === undefined) return undefined;
  const identity = {
    ...(ca !== undefined && { ca: await readPem("--ca", ca) }),
    ...(cert !== undefined && { cert: await readPem("--cert", cert) }),
    ...(key !== undefined && { key: await readPem("--key", key) }),
  };
  try {
    createSecureContext(identity);
    return identity;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CommandError(`--ca, --cert and --key cannot be used together: ${reason}`, { cause });
  }
}

async function readPem(flag: string, path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CommandError(`${flag} ${path} cannot be read: ${reason}`, { cause });
  });
  if (text.includes("-----BEGIN ")) return text;
  throw new CommandError(`${flag} ${path} is no PEM file: it has no line -----BEGIN ...`);
}
