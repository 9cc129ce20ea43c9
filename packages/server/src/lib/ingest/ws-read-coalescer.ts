import { readSync } from "node:fs";
import type { Socket } from "node:net";
import { systemErrorCode } from "../kernel/errors.ts";

/** Parts of the interval: reads are spread over as many moments, so that no turn of the loop takes all sockets. */
const slotCount = 6;
/** What a read brings of a sender that is behind, or faster than time: it is read on at once. */
const maxChunkBytes = 16 * 1024;
/** The first reads of a connection are answered by messages that somebody waits for. */
const promptReadCount = 8;
/** Reads in vain one after another, behind which the system tells when something comes; it does for so many reads more each time. */
const maxVainCount = 2;
const maxPromptReadCount = 1024;
/** Reads a second from which on it is worth it, and the time over which they are counted. */
const minReadsPerS = 1_000;
const countMs = 250;
/** Sockets that bring something within an interval, below which it is no longer worth it. */
const minActiveCount = 10;

/** What Node keeps under a socket; not documented, unchanged since Node 0.x. Without it nothing is coalesced. */
interface ReadHandle {
  /** The descriptor; -1 when it is closed or unknown. */
  readonly fd: number;
  /** Whether the stream wants to be fed: it does not while a slow consumer holds it up. */
  readonly reading?: boolean;
  readStop(): void;
  readStart(): void;
}

/** Takes what a socket brought. */
export interface ReadTarget {
  /** By the socket's stream. */
  take(bytes: Buffer): void;
  /** Past the stream: the bytes are written over once it returns. */
  takePolled(bytes: Buffer): void;
}

/** A socket whose reads are coalesced. */
interface Watched {
  readonly socket: Socket;
  readonly handle: ReadHandle;
  readonly target: ReadTarget;
  /** Reads that the system still tells of, before it is left alone. */
  promptCount: number;
  /** {@link promptCount} after the next reads in vain. */
  nextPromptCount: number;
  /** Reads in vain one after another. */
  vainCount: number;
}

/**
 * Reads steady senders less often. A frame of 20 ms wakes the loop and costs a read; with each socket read once per
 * interval, several frames come with one. A socket that has just been read is left alone for the interval, its frames
 * wait in the system's buffer meanwhile. Then it is read where it lies, without waking the loop for it, into memory that all
 * sockets share. While few sockets send, each is read at once.
 */
export class ReadCoalescer {
  readonly #intervalMs: number;
  readonly #bytes = Buffer.allocUnsafeSlow(2 * maxChunkBytes);
  /** Sockets to be read again, by the moment at which they are. */
  #slots: Watched[][] = Array.from({ length: slotCount }, () => []);
  #slot = 0;
  #watchedCount = 0;
  #readCount = 0;
  #isOn = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param intervalMs - longest time for which a socket is not read; 0 switches it off */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** Reads a socket until it closes. Sockets with TLS are read as they come. */
  watch(socket: Socket, target: ReadTarget): void {
    const handle = this.#intervalMs === 0 ? undefined : handleOf(socket);
    if (handle === undefined) {
      socket.on("data", (bytes: Buffer) => target.take(bytes));
      return;
    }
    this.#watchedCount += 1;
    if (this.#timer === undefined) this.#setOn(false);
    const counts = { promptCount: promptReadCount, nextPromptCount: promptReadCount, vainCount: 0 };
    const watched: Watched = { socket, handle, target, ...counts };
    socket.on("data", (bytes: Buffer) => {
      this.#readCount += 1;
      target.take(bytes);
      if (watched.promptCount > 0) watched.promptCount -= 1;
      else if (this.#isOn && bytes.byteLength <= maxChunkBytes) this.#leaveAlone(watched);
    });
    socket.once("close", () => {
      this.#watchedCount -= 1;
      if (this.#watchedCount === 0) this.close();
    });
  }

  /** Reads everything again at once, and coalesces nothing until the next {@link watch}. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#isOn = false;
    this.#wakeAll();
  }

  #leaveAlone(watched: Watched): void {
    // A consumer that holds the stream up has stopped the reading itself.
    if (!isFed(watched)) return;
    watched.handle.readStop();
    this.#slots[this.#slot]?.push(watched);
  }

  #setOn(isOn: boolean): void {
    clearInterval(this.#timer);
    this.#isOn = isOn;
    this.#readCount = 0;
    this.#timer = isOn
      ? setInterval(() => this.#turn(), this.#intervalMs / slotCount)
      : setInterval(() => this.#look(), countMs);
    if (!isOn) this.#wakeAll();
  }

  #look(): void {
    if (this.#readCount >= (minReadsPerS * countMs) / 1000) this.#setOn(true);
    this.#readCount = 0;
  }

  #turn(): void {
    this.#slot = (this.#slot + 1) % slotCount;
    const due = this.#slots[this.#slot] ?? [];
    const again: Watched[] = [];
    this.#slots[this.#slot] = again;
    for (const watched of due) {
      if (this.#read(watched)) again.push(watched);
      else wake(watched);
    }
    if (this.#slot !== 0) return;
    if (this.#readCount < minActiveCount) this.#setOn(false);
    this.#readCount = 0;
  }

  /** Reads a socket. @returns whether it may be left alone for another interval */
  #read(watched: Watched): boolean {
    const { socket, handle, target } = watched;
    if (!isFed(watched) || !socket.readableFlowing || socket.readableLength > 0) return false;
    const byteCount = readNow(handle.fd, this.#bytes);
    if (byteCount === 0) return isWorthWaiting(watched);
    if (byteCount === undefined) return false;
    this.#readCount += 1;
    watched.vainCount = 0;
    watched.nextPromptCount = Math.max(promptReadCount, watched.nextPromptCount - 1);
    target.takePolled(this.#bytes.subarray(0, byteCount));
    return byteCount <= maxChunkBytes && isFed(watched);
  }

  #wakeAll(): void {
    const slots = this.#slots;
    this.#slots = slots.map(() => []);
    for (const watched of slots.flat()) wake(watched);
  }
}

/** Whether its stream is open and wants to be fed. The descriptor of one that is closed may be another file's by now. */
function isFed({ socket, handle }: Watched): boolean {
  return !socket.destroyed && handle.reading === true && handle.fd >= 0;
}

function wake(watched: Watched): void {
  if (isFed(watched)) watched.handle.readStart();
}

/** A sender with longer frames than the interval has nothing to read now and then. */
function isWorthWaiting(watched: Watched): boolean {
  watched.vainCount += 1;
  if (watched.vainCount < maxVainCount) return true;
  watched.vainCount = 0;
  watched.promptCount = watched.nextPromptCount;
  watched.nextPromptCount = Math.min(2 * watched.nextPromptCount, maxPromptReadCount);
  return false;
}

/** @returns bytes that came; 0 when there are none now; `undefined` for whatever is the stream's own to find out */
function readNow(fd: number, bytes: Buffer): number | undefined {
  try {
    // The end of a stream is told once more to whoever reads again.
    return readSync(fd, bytes, 0, bytes.byteLength, null) || undefined;
  } catch (thrown) {
    return systemErrorCode(thrown) === "EAGAIN" ? 0 : undefined;
  }
}

function handleOf(socket: Socket): ReadHandle | undefined {
  if ("encrypted" in socket) return undefined;
  const { _handle: handle } = socket as unknown as { readonly _handle?: Partial<ReadHandle> | null };
  const { readStop, readStart, fd } = handle ?? {};
  const isKnown =
    typeof readStop === "function" && typeof readStart === "function" && typeof fd === "number" && fd >= 0;
  return isKnown ? (handle as ReadHandle) : undefined;
}
