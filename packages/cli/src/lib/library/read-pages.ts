import type { ApiClient, ApiQuery } from "./api-client.ts";

/** Rows that one request brings. */
const pageLimit = 1000;

/** All rows of a list that comes by pages. */
export async function* readPages<Row>(
  client: ApiClient,
  path: string,
  property: string,
  query: ApiQuery = {},
): AsyncGenerator<Row> {
  for (let cursor: string | undefined; ; ) {
    const page = await client.get<Readonly<Record<string, unknown>>>(path, { ...query, limit: pageLimit, cursor });
    yield* page[property] as readonly Row[];
    const next = page["next_cursor"];
    if (typeof next !== "string") return;
    cursor = next;
  }
}
