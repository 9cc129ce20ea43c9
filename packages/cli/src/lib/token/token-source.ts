import { userInfo } from "node:os";
import { resolve } from "node:path";
import {
  createAuditLog,
  openTokenBook,
  parseHwidPattern,
  type Role,
  readSettings,
  silentLog,
  systemClock,
} from "@eet/server";
import type { CommandContext } from "../command-context.ts";
import { UsageError } from "../command-error.ts";
import { ApiClient } from "../library/api-client.ts";
import { createServerSource } from "../library/server-source.ts";
import { runTool } from "../tool-error.ts";

const dayMs = 24 * 3_600_000;
const hourMs = 3_600_000;

/** A token as it is shown; times are ISO 8601. */
export interface ShownToken {
  readonly id: string;
  readonly kind: "device" | "api";
  readonly name: string;
  readonly hwid: string | null;
  readonly role: Role | null;
  readonly state: "active" | "expired" | "revoked";
  readonly created: string;
  readonly expires: string | null;
  readonly last_used: string | null;
}

/** A token just made. */
export interface MadeToken {
  readonly token: ShownToken;
  readonly secret: string;
}

/** What a new token is to be: with either `hwid` or `role`. */
export interface WantedToken {
  readonly hwid?: string | undefined;
  readonly role?: Role | undefined;
  readonly name?: string | undefined;
  readonly expires_days?: number | undefined;
}

/** How a token is to be followed by another. */
export interface WantedRotation {
  /** Hours for which the old one stays good. */
  readonly overlap_h: number;
  /** Left out: as many as the old one had. */
  readonly expires_days?: number | undefined;
}

/** Where tokens are kept: a server that is asked, or the file that it reads. */
export interface TokenSource {
  list(): Promise<readonly ShownToken[]>;
  create(wanted: WantedToken): Promise<MadeToken>;
  revoke(id: string): Promise<ShownToken>;
  rotate(id: string, wanted: WantedRotation): Promise<MadeToken>;
}

export interface TokenSourceFlags {
  readonly url?: string;
  readonly data?: string;
  readonly token?: string;
}

/** Opens the tokens that the options name, does something with them and closes them. */
export async function withTokens<T>(
  { url, data, token }: TokenSourceFlags,
  { env: environment, folder, interruption }: CommandContext,
  work: (source: TokenSource) => Promise<T>,
): Promise<T> {
  if (url !== undefined && data !== undefined) throw new UsageError("--url and --data exclude each other");
  if (url !== undefined) return work(ofServer(url, interruption, token ?? environment["EET_TOKEN"]));
  return runTool(async () => {
    const { settings } = await readSettings(folder, { flags: data === undefined ? {} : { data }, environment });
    return workOnFile(resolve(folder, settings.server.data), work);
  });
}

function ofServer(url: string, interruption: AbortSignal, token: string | undefined): TokenSource {
  const client = new ApiClient(createServerSource(url, interruption, token));
  const pathOf = (id: string) => `/tokens/${encodeURIComponent(id)}`;
  return {
    list: async () => (await client.get<{ tokens: readonly ShownToken[] }>("/tokens")).tokens,
    create: (wanted) => client.post("/tokens", wanted),
    revoke: (id) => client.get(pathOf(id), {}, { method: "DELETE" }),
    rotate: (id, wanted) => client.post(`${pathOf(id)}/rotate`, wanted),
  };
}

/** Who may write the data folder needs no token: a server that runs on it follows within a second. */
async function workOnFile<T>(dataPath: string, work: (source: TokenSource) => Promise<T>): Promise<T> {
  const parts = { clock: systemClock, log: silentLog };
  const book = openTokenBook(dataPath, parts);
  const audit = createAuditLog(dataPath, parts);
  const note = (act: string, token: string) =>
    audit.note({ act, who: `command line: ${userInfo().username}`, facts: { token } });
  try {
    return await work({
      list: async () => book.list().map(show),
      create: async (wanted) => {
        const { token, secret } = book.create(toNewToken(wanted));
        await note("token.created", token.id);
        return { token: show(token), secret };
      },
      revoke: async (id) => {
        const token = book.revoke(id);
        await note("token.revoked", id);
        return show(token);
      },
      rotate: async (id, { overlap_h: overlapH, expires_days: days }) => {
        const lifetimeMs = days === undefined ? undefined : days * dayMs;
        const { token, secret } = book.rotate(id, { overlapMs: overlapH * hourMs, lifetimeMs });
        await note("token.rotated", token.id);
        return { token: show(token), secret };
      },
    });
  } finally {
    book.close();
    await audit.close();
  }
}

function toNewToken({ hwid, role, name = "", expires_days: days }: WantedToken) {
  const lifetimeMs = days === undefined ? null : days * dayMs;
  if (role !== undefined) return { kind: "api", role, name, lifetimeMs } as const;
  const hwidPattern = parseHwidPattern(hwid ?? "");
  if (hwidPattern !== undefined) return { kind: "device", hwidPattern, name, lifetimeMs } as const;
  throw new UsageError("--hwid takes 1 to 64 letters, digits, '-', '_', ':' and '.', with '*' and '?'");
}

function show(token: ReturnType<ReturnType<typeof openTokenBook>["list"]>[number]): ShownToken {
  const { id, kind, name, hwidPattern: hwid, role, createdMs, expiresMs, lastUsedMs, revokedMs } = token;
  const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  const isPast = expiresMs !== null && expiresMs <= Date.now();
  return {
    ...{ id, kind, name, hwid, role },
    state: revokedMs !== null ? "revoked" : isPast ? "expired" : "active",
    ...{ created: new Date(createdMs).toISOString(), expires: iso(expiresMs), last_used: iso(lastUsedMs) },
  };
}
