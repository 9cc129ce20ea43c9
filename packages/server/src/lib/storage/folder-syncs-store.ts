import { syncFolder } from "./durable-file-store.ts";

interface Syncing {
  readonly current: Promise<void>;
  /** Begins when the current one is through, for all that asked since that one began. */
  next: Promise<void> | undefined;
}

/** Syncs folders, each once for all that ask at a time: many segments that begin together share the folders above them. */
export class FolderSyncs {
  readonly #sync: (path: string) => Promise<void>;
  readonly #syncing = new Map<string, Syncing>();

  /** @param sync - default {@link syncFolder} */
  constructor(sync: (path: string) => Promise<void> = syncFolder) {
    this.#sync = sync;
  }

  /**
   * Makes the names durable that are in a folder by now. One that is under way may have begun too early for that.
   *
   * @throws the system's error
   */
  sync(path: string): Promise<void> {
    const syncing = this.#syncing.get(path);
    if (syncing === undefined) return this.#start(path);
    syncing.next ??= syncing.current.then(
      () => this.#start(path),
      () => this.#start(path),
    );
    return syncing.next;
  }

  #start(path: string): Promise<void> {
    const current = this.#sync(path);
    const syncing: Syncing = { current, next: undefined };
    this.#syncing.set(path, syncing);
    const end = () => {
      if (syncing.next === undefined) this.#syncing.delete(path);
    };
    current.then(end, end);
    return current;
  }
}
