import { type Codec, formatFrame, formatHandshake } from "@eet/protocol";
import WebSocket, { type ClientOptions } from "ws";
import type { CloseResult } from "./close-result.ts";
import { type FrameStream, FrameStreamError, type FrameStreamOptions } from "./frame-stream.ts";
import { readRefusal } from "./refused-upgrade.ts";
import { formatStreamUrl } from "./stream-url.ts";
import { tlsOptionsOf } from "./ws-tls.ts";

/** Unsent bytes from which on {@link FrameStream.send} makes its caller wait: a few frames, so a stall shows at once. */
const highWaterBytes = 64 * 1024;

/** `closeTimeout` is not in the types of ws yet. */
const socketOptions: ClientOptions & { readonly closeTimeout: number } = {
  // Compressing audio costs time on both sides and saves nothing.
  perMessageDeflate: false,
  handshakeTimeout: 30_000,
  // The answer to CLOSE comes only after everything in the socket's buffers has been read.
  closeTimeout: 60_000,
};

/**
 * Connects and sends the handshake. [P-1.1]
 *
 * @throws RangeError for a bad address, device id or certificate
 * @throws ProtocolError for a format that no server takes
 * @throws FrameStreamError when no connection came about; its `result` says why
 */
export async function openFrameStream(options: FrameStreamOptions): Promise<FrameStream> {
  const { streamId, format } = options;
  const handshake = formatHandshake({ streamId, format, timestampMs: BigInt(options.timestampMs) });
  const headers = options.token === undefined ? {} : { Authorization: `Bearer ${options.token}` };
  const url = formatStreamUrl(options.url, options.hwid);
  const tls = tlsOptionsOf(options.tls);
  const socket = new WebSocket(url, options.subprotocol ?? [], { ...socketOptions, ...tls, headers });
  const stream = new WsFrameStream(socket, format.codec, options.signal);
  await stream.opened;
  socket.send(handshake);
  return stream;
}

class WsFrameStream implements FrameStream {
  /** Resolves at the end of the upgrade, rejects with {@link FrameStreamError}. */
  readonly opened: Promise<void>;
  readonly closed: Promise<CloseResult>;
  readonly #socket: WebSocket;
  readonly #codec: Codec;
  readonly #signal: AbortSignal | undefined;
  #seq = 0;
  #isFull = false;
  #isOpened = false;
  #isCloseOurs = false;
  #refusal: CloseResult | undefined;
  #cause: Error | undefined;

  constructor(socket: WebSocket, codec: Codec, signal: AbortSignal | undefined) {
    this.#socket = socket;
    this.#codec = codec;
    this.#signal = signal;
    this.closed = this.#watch();
    this.opened = new Promise((resolve, reject) => {
      socket.once("open", resolve);
      this.closed.then((result) => reject(new FrameStreamError(result)));
    });
  }

  send(payload: Uint8Array): Promise<void> | undefined {
    if (this.#isFull) throw new RangeError("send() was called before the promise of the previous send() was settled");
    const socket = this.#socket;
    if (socket.readyState !== WebSocket.OPEN) return this.#rejectOnceClosed();
    const frame = formatFrame(this.#codec, this.#seq, payload);
    this.#seq = (this.#seq + 1) >>> 0;
    if (socket.bufferedAmount + frame.length <= highWaterBytes) {
      socket.send(frame);
      return undefined;
    }
    this.#isFull = true;
    return new Promise((resolve, reject) => {
      // Writes complete in order: once this frame is with the system, so is all before it.
      socket.send(frame, (error) => {
        this.#isFull = false;
        if (error) this.#rejectOnceClosed().catch(reject);
        else resolve();
      });
    });
  }

  close(): Promise<CloseResult> {
    if (this.#socket.readyState === WebSocket.OPEN) {
      this.#isCloseOurs = true;
      this.#socket.close(1000);
    }
    return this.closed;
  }

  async #rejectOnceClosed(): Promise<never> {
    throw new FrameStreamError(await this.closed);
  }

  #watch(): Promise<CloseResult> {
    const socket = this.#socket;
    const abort = () => socket.terminate();
    this.#signal?.addEventListener("abort", abort, { once: true });
    socket.once("open", () => {
      this.#isOpened = true;
    });
    socket.on("error", (error) => {
      this.#cause ??= error;
    });
    socket.once("unexpected-response", async (_request, response) => {
      this.#refusal = await readRefusal(response);
      socket.terminate();
    });
    const closed = new Promise<CloseResult>((resolve) => {
      socket.once("close", (code, reason) => {
        this.#signal?.removeEventListener("abort", abort);
        resolve(this.#judge(code, reason.toString()));
      });
    });
    if (this.#signal?.aborted) abort();
    return closed;
  }

  #judge(code: number, reason: string): CloseResult {
    if (this.#signal?.aborted) return { kind: "aborted" };
    if (this.#refusal !== undefined) return this.#refusal;
    if (!this.#isOpened) return { kind: "unreachable", cause: this.#cause };
    if (code === 1006) return { kind: "dropped", cause: this.#cause };
    // A peer that answers CLOSE without a code of its own (1005) has read our frames just the same.
    if (this.#isCloseOurs && (code === 1000 || code === 1005)) return { kind: "clean" };
    return { kind: "closed-by-server", code, reason };
  }
}
