import { effect, signal } from "@preact/signals";
import { LiveSocket } from "./live-socket.ts";

/** The page's connection for what is live. */
export const live = new LiveSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v1/live`);

/** Moves every second while the page is visible: for what says how long ago something was. */
export const nowMs = signal(Date.now());

/** Whether the last request of the API was answered. */
export const isReachable = signal(true);

/** Whether the server answers, but lets nothing be followed live: it has as many viewers as it takes. */
export const isRefused = signal(false);

/** Whether the server is away; to be called where signals are followed. */
export function isLost(): boolean {
  return (live.state.value === "waiting" && !isRefused.value) || !isReachable.value;
}

/** Between looks at whether a server answers that lets nothing be followed live. */
const probeMs = 4_000;

/** Keeps the connection and the clock going while the page is visible. */
export function followVisibility(): void {
  setInterval(() => {
    if (!document.hidden) nowMs.value = Date.now();
  }, 1000);
  document.addEventListener("visibilitychange", () => {
    live.setHidden(document.hidden);
    nowMs.value = Date.now();
  });
  addEventListener("online", () => live.retryNow());
  effect(() => {
    const state = live.state.value;
    isRefused.value = false;
    if (state === "open") isReachable.value = true;
    return state === "waiting" ? probe() : undefined;
  });
}

/** A WebSocket that does not open says nothing of why: asks until it is stopped whether the server is there. */
function probe(): () => void {
  const abort = new AbortController();
  const look = async () => {
    try {
      await fetch("/healthz", { signal: abort.signal, cache: "no-store" });
      isReachable.value = true;
      isRefused.value = true;
    } catch {
      if (abort.signal.aborted) return;
      isReachable.value = false;
      isRefused.value = false;
    }
  };
  void look();
  const timer = setInterval(() => void look(), probeMs);
  return () => {
    clearInterval(timer);
    abort.abort();
  };
}
