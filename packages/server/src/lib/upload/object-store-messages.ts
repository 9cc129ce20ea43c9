import type { ByteRange, ReadObject } from "../kernel/object-reader.ts";
import type { ObjectSource, ObjectStoreOptions, VerifiedObject } from "./object-store.ts";
import type { S3Limits } from "./s3-object-store.ts";
import type { ThrownError } from "./thrown-error.ts";

/** What the thread of an object store is started with. */
export interface StoreThreadData {
  readonly options: ObjectStoreOptions;
  readonly limits: Partial<S3Limits>;
}

/** What is asked of the store, by its method. */
export type StoreCall =
  | { readonly kind: "put"; readonly source: Omit<ObjectSource, "signal"> }
  | {
      readonly kind: "get";
      readonly key: string;
      readonly range: ByteRange | undefined;
      readonly maxBytes: number | undefined;
    }
  | { readonly kind: "delete"; readonly key: string }
  | { readonly kind: "begin-parts"; readonly key: string }
  | { readonly kind: "drop-parts"; readonly key: string; readonly partsId: string };

/** To the thread. Ids are given once, also over threads that follow each other. */
export type StoreOrder =
  | { readonly kind: "call"; readonly id: number; readonly call: StoreCall }
  | { readonly kind: "abort"; readonly id: number }
  /** Cuts all connections; the thread ends when what was begun has ended. */
  | { readonly kind: "close" };

/** What a call gives, by its kind; the bytes of a read are handed over, not copied. */
export interface StoreResults {
  readonly put: VerifiedObject;
  readonly get: ReadObject;
  readonly delete: undefined;
  readonly "begin-parts": string;
  readonly "drop-parts": undefined;
}

/** From the thread: how a call ended. */
export type StoreAnswer =
  | { readonly id: number; readonly result: StoreResults[StoreCall["kind"]]; readonly error?: undefined }
  | { readonly id: number; readonly error: ThrownError };
