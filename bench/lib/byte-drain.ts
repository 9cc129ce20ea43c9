import { connect, type Socket } from "node:net";

const bufferBytes = 1024 * 1024;
const headerEnd = "\r\n\r\n";

/** How long bytes took to come. */
export interface Drained {
  readonly byteCount: number;
  readonly ms: number;
  /** Until the first byte behind those that lead in; `NaN` when there was none. */
  readonly firstByteMs: number;
}

/**
 * Asks for something and throws away what comes, as cheaply as Node can: every read goes into the same buffer.
 *
 * @param path - is asked for by HTTP, of whose answer the body counts; `undefined` asks for nothing
 * @param leadBytes - at the front of the body that are not what is waited for
 * @returns the bytes of the body, and the times from connecting to the first and to the last one
 * @throws Error for an answer other than 200
 */
export function drain(port: number, path: string | undefined, leadBytes = 0): Promise<Drained> {
  const { promise, resolve, reject } = Promise.withResolvers<Drained>();
  const startMs = performance.now();
  let byteCount = 0;
  let firstByteMs = Number.NaN;
  const count = (length: number) => {
    byteCount += length;
    if (Number.isNaN(firstByteMs) && byteCount > leadBytes) firstByteMs = performance.now() - startMs;
  };
  let head = path === undefined ? undefined : "";
  const onBytes = (bytes: Buffer) => {
    if (head === undefined) {
      count(bytes.byteLength);
      return;
    }
    head += bytes.toString("latin1");
    const end = head.indexOf(headerEnd);
    if (end < 0) return;
    if (!head.startsWith("HTTP/1.1 200")) reject(new Error(`the server answers ${head.slice(0, 300)}`));
    count(head.length - end - headerEnd.length);
    head = undefined;
  };
  const buffer = Buffer.alloc(bufferBytes);
  const socket: Socket = connect({
    ...{ host: "127.0.0.1", port },
    onread: {
      buffer,
      callback: (length) => {
        onBytes(buffer.subarray(0, length));
        return true;
      },
    },
  });
  if (path !== undefined) socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`);
  socket.on("error", reject);
  socket.on("end", () => resolve({ byteCount, ms: performance.now() - startMs, firstByteMs }));
  return promise;
}
