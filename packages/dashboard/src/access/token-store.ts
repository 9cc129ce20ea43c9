import type { CreatedToken, Token } from "@eet/server/api-types";
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { whileProtecting } from "../api/access.ts";
import { deleteApi, readApi, writeApi } from "../api/api-client.ts";

/** As they were read last; `undefined`: not yet. */
export const tokens = signal<readonly Token[] | undefined>(undefined);
/** Why they could not be read. */
export const failure = signal<unknown>(undefined);
/** The token that was just made: its secret is shown this once. */
export const made = signal<CreatedToken | undefined>(undefined);

/** The times of uses move by the minute. */
const pollMs = 15_000;

/** What a new token is for. */
export type NewToken = { readonly name: string; readonly expires_days?: number } & (
  | { readonly hwid: string }
  | { readonly role: string }
);

/** Keeps the list fresh while it is shown; secrets are forgotten behind it. */
export function useTokens(): void {
  useEffect(() => {
    void readTokens();
    const timer = setInterval(() => void (document.hidden ? undefined : readTokens()), pollMs);
    return () => {
      clearInterval(timer);
      made.value = undefined;
    };
  }, []);
}

async function readTokens(): Promise<void> {
  try {
    tokens.value = (await readApi<{ readonly tokens: readonly Token[] }>("/tokens")).tokens;
    failure.value = undefined;
  } catch (error) {
    // What is shown stays.
    failure.value = error;
  }
}

/** Makes a token. @throws ApiError, TypeError */
export function createToken(wanted: NewToken): Promise<CreatedToken> {
  return writeApi<CreatedToken>("POST", "/tokens", wanted);
}

/** Makes a token and shows it. @throws as {@link createToken} */
export async function addToken(wanted: NewToken): Promise<void> {
  made.value = await createToken(wanted);
  await readTokens();
}

/** Makes the first token, which is an administrator's, and logs in with it. @throws as {@link createToken} */
export async function protectServer(name: string): Promise<void> {
  await whileProtecting(async () => {
    const created = await createToken({ role: "admin", name });
    // Shown first: whatever comes next, it must not be lost.
    made.value = created;
    await fetch("/api/v1/login", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token: created.secret }),
    });
  });
  await readTokens();
}

/** Makes the successor of a token and shows it. @param overlapH - for which the old one stays good */
export async function rotateToken(id: string, overlapH: number): Promise<void> {
  made.value = await writeApi<CreatedToken>("POST", `/tokens/${id}/rotate`, { overlap_h: overlapH });
  await readTokens();
}

export async function revokeToken(id: string): Promise<void> {
  await deleteApi(`/tokens/${id}`);
  if (made.value?.token.id === id) made.value = undefined;
  await readTokens();
}
