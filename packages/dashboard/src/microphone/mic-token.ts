import { computed, signal } from "@preact/signals";
import { isProtected, mayOperate } from "../api/access.ts";

const key = "eet.mic.token";

/** Of the device, as it was entered: kept until the tab is closed, and nowhere else. */
export const micToken = signal(readStored());

/** Whether the server lets this page record by a token only: the login of who may operate does it otherwise. */
export const isTokenAsked = computed(() => isProtected.value && !mayOperate.value);

/** What the device shows; `undefined`: nothing, or the login of the page. */
export const shownToken = computed(() => (isTokenAsked.value ? micToken.value.trim() : undefined));

micToken.subscribe((token) => {
  try {
    if (token === "") sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, token);
  } catch {
    // A browser that keeps nothing asks again.
  }
});

function readStored(): string {
  try {
    return sessionStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}
