import type { LiveMessage } from "./live-messages.ts";

/** The way to one viewer. */
export interface ViewerPort {
  /** Whether it reads fast enough: {@link show} would send. */
  readonly hasRoom: boolean;
  /** Sends a message that must not be missed. */
  tell(message: LiveMessage): void;
  /**
   * Sends a binary message, unless the viewer does not read fast enough.
   *
   * @param format - makes it; not called when it is not sent
   * @returns whether it was sent
   */
  show(format: () => Uint8Array): boolean;
}
