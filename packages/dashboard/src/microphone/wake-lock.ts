import { signal } from "@preact/signals";

/** Keeps the screen on, where browsers can: phones stop pages whose screen is off. */
export class WakeLock {
  /** Whether it does at the moment. */
  readonly isHeld = signal(false);
  #isWanted = false;
  #sentinel: WakeLockSentinel | undefined;

  constructor() {
    // Browsers let go of it when the page is hidden.
    document.addEventListener("visibilitychange", () => {
      if (this.#isWanted && document.visibilityState === "visible") void this.hold();
    });
  }

  /** Never rejects. */
  async hold(): Promise<void> {
    this.#isWanted = true;
    try {
      const sentinel = await navigator.wakeLock?.request("screen");
      if (sentinel === undefined) return;
      this.#sentinel = sentinel;
      this.isHeld.value = true;
      sentinel.addEventListener("release", () => {
        this.isHeld.value = false;
      });
      if (!this.#isWanted) this.release();
    } catch {
      // Not allowed, as with a battery that is low: it records all the same.
    }
  }

  release(): void {
    this.#isWanted = false;
    void this.#sentinel?.release();
    this.#sentinel = undefined;
  }
}
