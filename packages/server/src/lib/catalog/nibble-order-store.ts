import type { Database, Statement } from "better-sqlite3";
import type { KnownDevice, NibbleVerdict } from "./catalog.ts";

/** In which order devices pack their ADPCM, as far as it was found out. [P-1.5] */
export class NibbleOrderStore {
  readonly #ofSession: Statement<[session: string, beforeIndex: number], NibbleVerdict>;
  readonly #ofDevices: Statement<[], KnownDevice>;

  constructor(sqlite: Database) {
    // Asked for each segment of ADPCM.
    this.#ofSession = sqlite.prepare(`
      SELECT nibble_order AS "order", nibble_source AS source FROM segments
      WHERE session = ? AND idx < ? AND nibble_source IN ('exact', 'statistical') ORDER BY idx DESC LIMIT 1`);
    this.#ofDevices = sqlite.prepare(`
      SELECT hwid, nibble_order AS nibbleOrder, nibble_source AS nibbleSource FROM devices
      WHERE nibble_order IS NOT NULL AND nibble_source IS NOT NULL`);
  }

  /** See `Catalog.nibbleOrderOfSession`. */
  ofSession(session: string, beforeIndex: number): NibbleVerdict | undefined {
    return this.#ofSession.get(session, beforeIndex);
  }

  /** See `Catalog.deviceProfiles`. */
  ofDevices(): readonly KnownDevice[] {
    return this.#ofDevices.all();
  }
}
