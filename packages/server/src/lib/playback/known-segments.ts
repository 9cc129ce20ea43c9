import type { CatalogReader, SegmentPlace } from "../catalog/catalog-reader.ts";

/** What finds segments by their place in a session. */
export type SegmentLookup = Pick<CatalogReader, "segmentsAt">;

/** Segments that the plan of a short range has found: they need not be looked up again. */
export class KnownSegments implements SegmentLookup {
  /** Of each session, in order. */
  readonly #bySession = new Map<string, SegmentPlace[]>();

  constructor(rows: readonly SegmentPlace[]) {
    for (const row of rows) {
      const own = this.#bySession.get(row.session);
      if (own === undefined) this.#bySession.set(row.session, [row]);
      else own.push(row);
    }
    for (const own of this.#bySession.values()) own.sort((a, b) => a.startSample - b.startSample);
  }

  async segmentsAt(
    session: string,
    { fromSample, toSample, limit }: { readonly fromSample: number; readonly toSample: number; readonly limit: number },
  ): Promise<readonly SegmentPlace[]> {
    const own = this.#bySession.get(session) ?? [];
    const first = own.findIndex((row) => row.startSample + row.sampleCount > fromSample);
    if (first < 0) return [];
    return own.slice(first, first + limit).filter(({ startSample }) => startSample < toSample);
  }
}
