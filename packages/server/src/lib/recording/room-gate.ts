/** Bytes that one connection may have waiting for the disk before its sender is slowed. */
const pauseAboveBytes = 1024 * 1024;
/** A slowed sender goes on below this. */
const resumeBelowBytes = 512 * 1024;

/** Slows a sender while too much waits for the disk. */
export class RoomGate {
  readonly #waitingBytes: () => number;
  #drained: PromiseWithResolvers<void> | undefined;

  /** @param waitingBytes - asked for what waits now */
  constructor(waitingBytes: () => number) {
    this.#waitingBytes = waitingBytes;
  }

  /** False when the sender must wait until {@link drained}. */
  get hasRoom(): boolean {
    return this.#waitingBytes() < pauseAboveBytes;
  }

  /** True when a sender that has room had better slow down. */
  get isFilling(): boolean {
    return this.#waitingBytes() >= resumeBelowBytes;
  }

  /** Resolves when there is room again; never rejects. */
  drained(): Promise<void> {
    this.#drained ??= Promise.withResolvers<void>();
    const { promise } = this.#drained;
    this.look();
    return promise;
  }

  /** Lets a sender go on that has room again; to be called when bytes have left. */
  look(): void {
    if (!this.isFilling) this.open();
  }

  /** Lets the sender go on, whatever waits. */
  open(): void {
    this.#drained?.resolve();
    this.#drained = undefined;
  }
}
