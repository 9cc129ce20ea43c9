import { Worker } from "node:worker_threads";
import { toError, UploadError } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import type { ByteRange, ObjectReader, ReadObject } from "../kernel/object-reader.ts";
import type { ObjectSource, ObjectStore, ObjectStoreOptions, PartsTrial, VerifiedObject } from "./object-store.ts";
import type { StoreAnswer, StoreCall, StoreOrder, StoreResults, StoreThreadData } from "./object-store-messages.ts";
import type { S3Limits } from "./s3-object-store.ts";
import { requireScalewayKeys } from "./scaleway-keys.ts";
import { restoreThrown } from "./thrown-error.ts";

/** How long a thread may tidy up after {@link ThreadedObjectStore.close}. */
const tidyMs = 2000;
/** How long it may take to leave what it was told to leave: a server that stops waits for that. */
const leaveMs = 2000;

/** What a {@link ThreadedObjectStore} works with. */
export interface ThreadedObjectStoreOptions {
  readonly store: ObjectStoreOptions;
  readonly log: Log;
  readonly limits?: Partial<S3Limits>;
  /** For tests: the module that the thread runs. */
  readonly workerUrl?: URL;
}

interface Waiting {
  /** Where the call runs: with that thread it ends. */
  readonly thread: Worker;
  readonly settle: (answer: StoreAnswer) => void;
  readonly fail: (error: Error) => void;
}

/**
 * An S3 bucket, spoken to by a thread of its own: the SDK signs, hashes, reads files and serialises there, and here only
 * messages pass. It does what `S3ObjectStore` does, with the same errors. Why and how: docs/decisions/017-store-thread.md.
 *
 * The thread starts with the first call. One that ends fails what it was at as a store that cannot be reached, so that all
 * of it is tried again, and the next call starts another. One that hangs is ended when it does not leave a put in time.
 */
export class ThreadedObjectStore implements ObjectStore, ObjectReader, PartsTrial {
  readonly #options: ThreadedObjectStoreOptions;
  readonly #calls = new Map<number, Waiting>();
  #thread: Worker | undefined;
  #lastId = 0;
  #isClosed = false;

  /** @throws ConfigError `CONFIG_MISSING` for Scaleway without keys of its own */
  constructor(options: ThreadedObjectStoreOptions) {
    requireScalewayKeys(options.store);
    this.#options = options;
  }

  async put({ signal, ...source }: ObjectSource): Promise<VerifiedObject> {
    signal.throwIfAborted();
    try {
      return await this.#call({ kind: "put", source }, signal);
    } catch (error) {
      // The thread knows that it was told to stop, not why.
      signal.throwIfAborted();
      throw error;
    }
  }

  async get(key: string, range?: ByteRange, maxBytes?: number): Promise<ReadObject> {
    const { bytes, objectBytes } = await this.#call({ kind: "get", key, range, maxBytes });
    // A Buffer comes as a plain array.
    return { bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), objectBytes };
  }

  delete(key: string): Promise<void> {
    return this.#call({ kind: "delete", key });
  }

  beginParts(key: string): Promise<string> {
    return this.#call({ kind: "begin-parts", key });
  }

  dropParts(key: string, id: string): Promise<void> {
    return this.#call({ kind: "drop-parts", key, partsId: id });
  }

  close(): void {
    this.#isClosed = true;
    const thread = this.#thread;
    if (thread === undefined) return;
    this.#thread = undefined;
    thread.postMessage({ kind: "close" } satisfies StoreOrder);
    // The process waits for it to tidy up, not for one that hangs.
    thread.ref();
    const timer = setTimeout(() => void thread.terminate(), tidyMs).unref();
    thread.once("exit", () => clearTimeout(timer));
    this.#failCallsOf(thread, "the store is closed");
  }

  async #call<Kind extends StoreCall["kind"]>(
    call: Extract<StoreCall, { readonly kind: Kind }>,
    signal?: AbortSignal,
  ): Promise<StoreResults[Kind]> {
    if (this.#isClosed) throw unreachable("the store is closed");
    const thread = this.#start();
    const id = ++this.#lastId;
    const answered = Promise.withResolvers<StoreAnswer>();
    if (this.#calls.size === 0) thread.ref();
    this.#calls.set(id, { thread, settle: answered.resolve, fail: answered.reject });
    let leaveTimer: NodeJS.Timeout | undefined;
    const abort = () => {
      thread.postMessage({ kind: "abort", id } satisfies StoreOrder);
      leaveTimer = setTimeout(() => void thread.terminate(), leaveMs);
    };
    signal?.addEventListener("abort", abort, { once: true });
    try {
      thread.postMessage({ kind: "call", id, call } satisfies StoreOrder);
      const answer = await answered.promise;
      if (answer.error !== undefined) throw restoreThrown(answer.error);
      return answer.result as StoreResults[Kind];
    } finally {
      signal?.removeEventListener("abort", abort);
      clearTimeout(leaveTimer);
      this.#calls.delete(id);
      // As open connections do, calls keep the process, and nothing else does.
      if (this.#calls.size === 0 && !this.#isClosed) thread.unref();
    }
  }

  #start(): Worker {
    if (this.#thread !== undefined) return this.#thread;
    const { store, limits = {}, workerUrl, log } = this.#options;
    const file = import.meta.url.endsWith(".ts") ? "./object-store-worker.ts" : "./object-store-worker.js";
    const workerData: StoreThreadData = { options: store, limits };
    const thread = this.#createThread(workerUrl ?? new URL(file, import.meta.url), workerData);
    let reason: Error | undefined;
    thread.on("message", (answer: StoreAnswer) => this.#calls.get(answer.id)?.settle(answer));
    thread.on("error", (thrown) => {
      reason = toError(thrown);
    });
    thread.on("exit", (exitCode) => {
      if (this.#thread !== thread) return; // closed
      this.#thread = undefined;
      const error = reason?.message ?? `it ended with code ${exitCode}`;
      log.error({ error }, "the thread that speaks to the object store ended: what it was at is tried again");
      this.#failCallsOf(thread, error, reason);
    });
    this.#thread = thread;
    return thread;
  }

  #createThread(url: URL, workerData: StoreThreadData): Worker {
    try {
      return new Worker(url, { workerData, name: "object-store" });
    } catch (cause) {
      throw unreachable(toError(cause).message, cause);
    }
  }

  #failCallsOf(ended: Worker, reason: string, cause?: unknown): void {
    for (const { thread, fail } of this.#calls.values()) if (thread === ended) fail(unreachable(reason, cause));
  }
}

/** Nothing is known of the object: as when the store itself is away, all is tried again. */
function unreachable(reason: string, cause?: unknown): UploadError {
  return new UploadError("UPLOAD_UNREACHABLE", `the thread that speaks to the object store: ${reason}`, { cause });
}
