/**
 * What the ingest side tells of connections whose handshake has come: plain and serialisable, so that a process boundary
 * can stand between them. Times are ms since 1970 by the server's wall clock.
 */
export type ConnectionEvent =
  | {
      readonly type: "device.connected";
      /** Unique in a run of the server. */
      readonly connectionId: number;
      /** `null` when the device connected to `/ws`. */
      readonly hwid: string | null;
      readonly streamId: number;
      readonly atMs: number;
    }
  /** No frame has come for some seconds, though the connection is alive. */
  | {
      readonly type: "device.silent";
      readonly connectionId: number;
      readonly hwid: string | null;
      /** Since the last frame, or the handshake. */
      readonly sinceMs: number;
    }
  /** Frames come again after `device.silent`. */
  | {
      readonly type: "device.sends";
      readonly connectionId: number;
      readonly hwid: string | null;
      readonly atMs: number;
    }
  | {
      readonly type: "device.disconnected";
      readonly connectionId: number;
      readonly hwid: string | null;
      readonly atMs: number;
      /** Why, as the log has it: a code of the error tables, `CLIENT_CLOSED`, `CLIENT_LOST` or `FINISHED`. */
      readonly reason: string;
    };

/** Takes the events in order; must not throw and must not block. */
export type ConnectionListener = (event: ConnectionEvent) => void;
