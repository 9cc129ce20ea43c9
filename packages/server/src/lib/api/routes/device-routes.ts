import Type from "typebox";
import type { DeviceRow } from "../../catalog/catalog-reader.ts";
import { RequestError } from "../../kernel/errors.ts";
import { type ApiApp, jsonAnswer, problemAnswers } from "../api-app.ts";
import type { ApiSources } from "../api-sources.ts";
import { formatCursor, parseDeviceCursor } from "../page-cursor.ts";
import {
  CursorText,
  formatHwid,
  HwidParams,
  Limit,
  limitOf,
  parseHwid,
  queryOf,
  unknownResource,
} from "../parameters.ts";
import { PlainText } from "../plain-text.ts";
import { type Device, DeviceChange, formatDevice } from "../resources/device-resource.ts";

type Sources = Pick<ApiSources, "reader" | "annotations" | "presence">;

const ListQuery = queryOf({
  search: Type.Optional(PlainText("part of id or name, in any case", { max: 200 })),
  tag: Type.Optional(PlainText("devices that have it", { max: 64 })),
  limit: Limit,
  cursor: CursorText,
});

/** `/devices` and `/devices/{hwid}`. */
export function addDeviceRoutes(app: ApiApp, sources: Sources): void {
  const tags = ["devices"];
  const listSchema = {
    ...{ operationId: "listDevices", summary: "Devices, in order of their ids", tags, querystring: ListQuery },
    response: { 200: jsonAnswer("a page of devices", "DevicePage"), ...problemAnswers },
  };
  app.get("/devices", { schema: listSchema }, async ({ query: { search, tag, limit, cursor } }) => {
    const page = await sources.reader.devices({
      limit: limitOf(limit),
      ...(search !== undefined && { search }),
      ...(tag !== undefined && { tag }),
      ...(cursor !== undefined && { after: parseDeviceCursor(cursor) }),
    });
    return {
      devices: await describe(page.rows, sources),
      next_cursor: page.next === undefined ? null : formatCursor(page.next),
    };
  });

  const readSchema = {
    ...{ operationId: "readDevice", summary: "One device", tags, params: HwidParams, querystring: queryOf({}) },
    response: { 200: jsonAnswer("the device", "Device"), ...problemAnswers },
  };
  app.get("/devices/:hwid", { schema: readSchema }, async ({ params }) => readDevice(sources, parseHwid(params.hwid)));

  const changeSchema = {
    ...{ operationId: "changeDevice", summary: "Name and tag a device", tags, params: HwidParams },
    ...{ body: DeviceChange, querystring: queryOf({}) },
    response: { 200: jsonAnswer("the device as it is now", "Device"), ...problemAnswers },
  };
  app.patch("/devices/:hwid", { schema: changeSchema }, async ({ params, body }) => {
    const hwid = parseHwid(params.hwid);
    if (hwid === null) {
      throw new RequestError("PARAMETER_INVALID", "hwid is ~, which is no device; allowed: the id of a device");
    }
    await readDevice(sources, hwid);
    const { name, tags: newTags } = body;
    const change = {
      ...(name !== undefined && { name }),
      ...(newTags !== undefined && { tags: [...new Set(newTags)] }),
    };
    await sources.annotations.describeDevice(hwid, change, sources.presence.device?.(hwid)?.sinceMs);
    return readDevice(sources, hwid);
  });
}

/** @throws RequestError `RESOURCE_UNKNOWN` for a device of which nothing was ever recorded */
async function readDevice(sources: Sources, hwid: string | null): Promise<Device> {
  const row = await sources.reader.device(hwid);
  if (row === undefined) throw unknownResource("the device", formatHwid(hwid));
  const [device] = await describe([row], sources);
  return device as Device;
}

async function describe(rows: readonly DeviceRow[], { annotations, presence }: Sources): Promise<Device[]> {
  const states = await annotations.health(rows.flatMap(({ hwid }) => hwid ?? []));
  const statesOf = Map.groupBy(states, ({ hwid }) => hwid);
  return rows.map((row) =>
    row.hwid === null
      ? formatDevice(row, null, [])
      : formatDevice(row, presence.isOnline(row.hwid), statesOf.get(row.hwid) ?? []),
  );
}
