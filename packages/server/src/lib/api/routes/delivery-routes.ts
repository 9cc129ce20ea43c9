import Type from "typebox";
import { RequestError } from "../../kernel/errors.ts";
import { type ApiApp, jsonAnswer, problemAnswers } from "../api-app.ts";
import type { ApiSources } from "../api-sources.ts";
import { formatNumberCursor, parseNumberCursor } from "../page-cursor.ts";
import { CursorText, Limit, limitOf, queryOf, unknownResource } from "../parameters.ts";
import { formatCounts, formatDeadLetter, LogReplay, Replay } from "../resources/delivery-resource.ts";

/** `/deliveries`, `/dead-letters` and `/dead-letters/replay`. */
export function addDeliveryRoutes(
  app: ApiApp,
  { deliveries, onReplayed }: Pick<ApiSources, "deliveries" | "onReplayed">,
): void {
  const tags = ["events"];
  const countSchema = {
    ...{ operationId: "listDeliveries", summary: "How deliveries to each webhook and command fare", tags },
    querystring: queryOf({}),
    response: { 200: jsonAnswer("targets", "DeliveryList"), ...problemAnswers },
  };
  app.get("/deliveries", { schema: countSchema }, async () => ({ targets: deliveries.counts().map(formatCounts) }));

  const deadSchema = {
    ...{ operationId: "listDeadLetters", summary: "Deliveries that were given up, oldest first", tags },
    querystring: queryOf({ target: Type.Optional(Type.String({ maxLength: 2000 })), limit: Limit, cursor: CursorText }),
    response: { 200: jsonAnswer("dead letters", "DeadLetterList"), ...problemAnswers },
  };
  app.get("/dead-letters", { schema: deadSchema }, async ({ query: { target, limit, cursor } }) => {
    const letters = deliveries.deadLetters({
      ...(target !== undefined && { target }),
      ...(cursor !== undefined && { afterId: parseNumberCursor("dead letters", cursor) }),
      limit: limitOf(limit) + 1,
    });
    const page = letters.slice(0, limitOf(limit));
    const last = letters.length > page.length ? page.at(-1) : undefined;
    return {
      dead_letters: page.map(formatDeadLetter),
      next_cursor: last ? formatNumberCursor("dead letters", last.deliveryId) : null,
    };
  });

  const replaySchema = {
    ...{ operationId: "replayDeadLetters", summary: "Deliver again what was given up", tags },
    description: "All of one target, or those with the ids given; one of the two is required.",
    ...{ querystring: queryOf({}), body: Replay },
    response: { 200: jsonAnswer("how many were put back", "ReplayResult"), ...problemAnswers },
  };
  app.post("/dead-letters/replay", { schema: replaySchema }, async ({ body: { target, ids } }) => {
    if (target === undefined && ids === undefined) {
      throw new RequestError(
        "PARAMETER_INVALID",
        "the body names neither target nor ids; allowed: one of them, or both",
      );
    }
    const replayed = await deliveries.replayDead({
      ...(target !== undefined && { target }),
      ...(ids !== undefined && { deliveryIds: ids }),
    });
    if (replayed > 0) onReplayed();
    return { replayed };
  });

  const logSchema = {
    ...{ operationId: "replayEvents", summary: "Deliver events of the log again", tags },
    description: "Those from from_id to to_id that the target's types and devices match.",
    ...{ querystring: queryOf({}), body: LogReplay },
    response: { 200: jsonAnswer("how many were queued", "ReplayResult"), ...problemAnswers },
  };
  app.post("/deliveries/replay", { schema: logSchema }, async ({ body: { target, from_id, to_id } }) => {
    if (!deliveries.counts().some((counts) => counts.target === target)) throw unknownResource("the target", target);
    const replayed = await deliveries.replayLog(target, { fromId: from_id, toId: to_id });
    if (replayed > 0) onReplayed();
    return { replayed };
  });
}
