import { RequestError } from "../../kernel/errors.ts";
import { type ApiApp, emptyAnswer, jsonAnswer, problemAnswers } from "../api-app.ts";
import type { ApiSources } from "../api-sources.ts";
import { findDevice } from "../known-device.ts";
import { formatNumberCursor, parseNumberCursor } from "../page-cursor.ts";
import {
  CursorText,
  HwidParams,
  IdParams,
  Limit,
  limitOf,
  parseRange,
  queryOf,
  unknownResource,
} from "../parameters.ts";
import { formatPin, NewPin } from "../resources/pin-resource.ts";

type Sources = Pick<ApiSources, "annotations" | "reader" | "clock">;

/** Pins of a device: each is looked at for every segment that is to go. */
const maxPinCount = 1_000;

/** `/devices/{hwid}/pins`, `/pins` and `/pins/{id}`. */
export function addPinRoutes(app: ApiApp, { annotations, reader, clock }: Sources): void {
  const tags = ["pins"];
  const listSchema = {
    ...{ operationId: "listPins", summary: "Ranges of a device that stay, whatever retention says", tags },
    ...{ params: HwidParams, querystring: queryOf({}) },
    response: { 200: jsonAnswer("its pins", "PinList"), ...problemAnswers },
  };
  app.get("/devices/:hwid/pins", { schema: listSchema }, async ({ params }) => {
    const pins = await annotations.pins({ hwid: await findDevice(reader, params.hwid) });
    return { pins: pins.map(formatPin) };
  });

  const allSchema = {
    ...{ operationId: "listAllPins", summary: "Ranges that stay, of all devices, newest first", tags },
    querystring: queryOf({ limit: Limit, cursor: CursorText }),
    response: { 200: jsonAnswer("a page of pins", "PinPage"), ...problemAnswers },
  };
  app.get("/pins", { schema: allSchema }, async ({ query: { limit, cursor } }) => {
    const before = cursor === undefined ? Number.POSITIVE_INFINITY : parseNumberCursor("pins", cursor);
    const pins = (await annotations.pins({})).filter(({ id }) => id < before).reverse();
    const page = pins.slice(0, limitOf(limit));
    const last = pins.length > page.length ? page.at(-1) : undefined;
    return { pins: page.map(formatPin), next_cursor: last ? formatNumberCursor("pins", last.id) : null };
  });

  const addSchema = {
    ...{
      ...{ operationId: "addPin", summary: "Pin a range: no quota takes it, and it cannot be deleted", tags },
      description:
        "Its local files may still go where the object store has them (on a low disk, or with S3:DeleteAfterUpload).",
    },
    ...{ params: HwidParams, querystring: queryOf({}), body: NewPin },
    response: { 201: jsonAnswer("the pin", "Pin"), ...problemAnswers },
  };
  app.post("/devices/:hwid/pins", { schema: addSchema }, async ({ params, body }, reply) => {
    const hwid = await findDevice(reader, params.hwid);
    const { fromMs, toMs } = parseRange(body.from, body.to, clock.wallMs());
    if ((await annotations.pins({ hwid })).length >= maxPinCount) {
      throw new RequestError("PARAMETER_INVALID", `the device has ${maxPinCount} pins, which is all it may have`);
    }
    const pin = await annotations.addPin({ hwid, fromMs, toMs, note: body.note ?? "" });
    return reply.status(201).send(formatPin(pin));
  });

  const removeSchema = {
    ...{ operationId: "removePin", summary: "Take a pin away", tags, params: IdParams, querystring: queryOf({}) },
    response: { 204: emptyAnswer("it is gone"), ...problemAnswers },
  };
  app.delete("/pins/:id", { schema: removeSchema }, async ({ params: { id } }, reply) => {
    if (!(await annotations.removePin(id))) throw unknownResource("the pin", id);
    return reply.status(204).send(null);
  });
}
