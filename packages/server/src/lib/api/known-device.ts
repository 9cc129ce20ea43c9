import type { CatalogReader } from "../catalog/catalog-reader.ts";
import { parseHwid, unknownResource } from "./parameters.ts";

/**
 * Reads the device's id of a path.
 *
 * @param text - `~`: what was recorded without an id
 * @returns `null` for `~`
 * @throws RequestError `RESOURCE_UNKNOWN` for one of which nothing was ever recorded: an answer that tells of nothing
 *   would hide a typing error
 */
export async function findDevice(reader: Pick<CatalogReader, "device">, text: string): Promise<string | null> {
  const hwid = parseHwid(text);
  if ((await reader.device(hwid)) === undefined) throw unknownResource("the device", text);
  return hwid;
}
