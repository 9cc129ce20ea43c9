import Type from "typebox";
import type { DeadLetter, DeliveryCounts } from "../../catalog/delivery-queue.ts";
import type { ServerEvent } from "../../kernel/server-event.ts";
import { formatTime, formatTimeOrNull } from "../time-parameter.ts";
import { Count, Nullable, Time } from "./resource-schemas.ts";

/** How the deliveries of each target fare. */
export const DeliveryList = Type.Object(
  {
    targets: Type.Array(
      Type.Object(
        {
          target: Type.String(),
          pending: Count,
          dead: Count,
          oldest_pending: Nullable(Time),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { $id: "DeliveryList", additionalProperties: false },
);

/** Deliveries that were given up. */
export const DeadLetterList = Type.Object(
  {
    dead_letters: Type.Array(
      Type.Object(
        {
          id: Type.Integer({ minimum: 1 }),
          target: Type.String(),
          attempts: Count,
          first_failed: Nullable(Time),
          died: Time,
          reason: Type.String(),
          event: Type.Ref("Event"),
        },
        { additionalProperties: false },
      ),
    ),
    next_cursor: Nullable(Type.String()),
  },
  { $id: "DeadLetterList", additionalProperties: false },
);

/** Which dead letters are put back. */
export const Replay = Type.Object(
  {
    target: Type.Optional(Type.String({ maxLength: 2000, description: "those of one target" })),
    ids: Type.Optional(
      Type.Array(Type.Integer({ minimum: 1 }), { maxItems: 1000, description: "1 to 1000 ids of dead letters" }),
    ),
  },
  { additionalProperties: false },
);

/** Which events of the log are delivered again. */
export const LogReplay = Type.Object(
  {
    target: Type.String({ minLength: 1, maxLength: 2000, description: "as /deliveries names it" }),
    from_id: Type.Integer({ minimum: 1, description: "first event" }),
    to_id: Type.Integer({ minimum: 1, description: "last event" }),
  },
  { additionalProperties: false },
);

export const ReplayResult = Type.Object({ replayed: Count }, { $id: "ReplayResult", additionalProperties: false });

/** Writes the counts of a target. */
export function formatCounts({ target, pending, dead, oldestPendingMs }: DeliveryCounts) {
  return { target, pending, dead, oldest_pending: formatTimeOrNull(oldestPendingMs ?? null) };
}

/** Writes a delivery that was given up. */
export function formatDeadLetter(letter: DeadLetter) {
  return {
    id: letter.deliveryId,
    target: letter.target,
    attempts: letter.attempts,
    first_failed: formatTimeOrNull(letter.firstFailedMs),
    died: formatTime(letter.diedMs),
    reason: letter.reason,
    event: letter.event satisfies ServerEvent,
  };
}
