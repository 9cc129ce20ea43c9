import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Hwid } from "@eet/protocol";
import type { ServerError } from "../kernel/errors.ts";
import type { IngressLimits } from "./ingress-limits.ts";

/** A device's connection that was let in: plain and serialisable, since who takes it may be another process. */
export interface Arrival {
  /** Unique in a run of the server. */
  readonly connectionId: number;
  /** `null` when the device connected to `/ws`. */
  readonly hwid: Hwid | null;
}

/** An upgrade request that was not answered yet. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** What came behind the request. */
  readonly head: Buffer;
}

/** Told what becomes of a connection. */
export interface ConnectionObserver {
  onHandshake(): void;
  /** It is gone, and what came over it is durable; or it never came to be. Called once. */
  onEnded(): void;
}

/** Limits of one connection that can change, for connections to come. */
export type ChangeableIngress = Pick<IngressLimits, "maxRateFactor" | "maxFramesPerS" | "maxControlFramesPerS">;

/** Takes the connections that an entrance lets in: it upgrades them and hands on what they bring. */
export interface ConnectionTaker {
  /** Bytes in memory that wait for the disk, or for the rest of their message. */
  readonly waitingBytes: number;
  /** Why it cannot take a device's connection now. */
  refusalOf(hwid: Hwid | null): ServerError | undefined;
  take(arrival: Arrival, upgrade: Upgrade, observer: ConnectionObserver): void;
  /** Ends a connection because who is there may not be there any more. */
  expel(connectionId: number, error: ServerError): void;
  change(limits: ChangeableIngress): void;
  /** Drops the open connections. @returns when all that was received is durable; never rejects */
  stop(): Promise<void>;
}
