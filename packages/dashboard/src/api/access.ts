import type { Access } from "@eet/server/api-types";
import { computed, signal } from "@preact/signals";

/** Who looks, as the server tells. */
export type AccessFacts = Access;

/** Who looks at the page; `undefined`: not known yet. */
export const accessFacts = signal<Access | undefined>(undefined);

/** Whether people and devices have to show tokens. */
export const isProtected = computed(() => accessFacts.value?.mode === "protected");
/** Whether who looks has to log in before anything is shown. */
export const isStranger = computed(() => isProtected.value && accessFacts.value?.role === null);
/**
 * Whether anything of the server's may be asked for: not before it is known who looks, and not by a stranger, who is on the way to
 * the login. A server that does not answer tells of itself.
 */
export const isAdmitted = signal(false);
/** Whether who looks may change what is shown; where that is not known the server decides. */
export const mayOperate = computed(() => accessFacts.value === undefined || accessFacts.value.role !== "viewer");
/** Whether who looks may make tokens. */
export const mayAdminister = computed(() => accessFacts.value?.role === "admin");

/** While the first token is made, nobody is logged in for a moment. */
let isProtecting = false;
let asking: Promise<void> | undefined;
/** A server that says nothing for so long is left to the views, which tell of it. */
const maxAnswerMs = 5_000;

/** Asks who looks, and leads to the login where the server wants to know. */
export function followAccess(): Promise<void> {
  asking ??= readAccess().finally(() => {
    asking = undefined;
  });
  return asking;
}

async function readAccess(): Promise<void> {
  try {
    const response = await fetch("/api/v1/access", { signal: AbortSignal.timeout(maxAnswerMs) });
    // An older server asks nobody.
    if (response.ok) accessFacts.value = (await response.json()) as Access;
  } catch {
    // The page tells of a server that is away by itself.
  }
  if (!isStranger.value) isAdmitted.value = true;
  else if (!isProtecting) goToLogin();
}

/** Does what makes the first token and logs in with it, undisturbed by what is refused meanwhile. */
export async function whileProtecting<Result>(act: () => Promise<Result>): Promise<Result> {
  isProtecting = true;
  try {
    return await act();
  } finally {
    isProtecting = false;
    void followAccess();
  }
}

/** Leaves for the login, from where one comes back to what is shown now. */
function goToLogin(): void {
  if (location.pathname !== "/login") location.replace(`/login#next=${encodeURIComponent(location.pathname)}`);
}

/** Where to go behind the login. @param hash - of the login's address */
export function pathBehindLogin(hash: string): string {
  const next = new URLSearchParams(hash.slice(1)).get("next") ?? "/";
  return /^\/(?![/\\])/.test(next) && !next.startsWith("/login") ? next : "/";
}

/** Ends the session. */
export async function logOut(): Promise<void> {
  await fetch("/api/v1/logout", { method: "POST" });
  location.assign("/login");
}
