import type { Migration } from "kysely/migration";
import { initial } from "./001-initial.ts";

/** Every change of the catalogue's schema, in the order of the names. A released one is never edited. */
export const migrations: Readonly<Record<string, Migration>> = {
  "001-initial": initial,
};
