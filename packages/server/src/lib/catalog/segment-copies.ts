import type { Database, Statement } from "better-sqlite3";
import type { FinishedSegment } from "../kernel/finished-segment.ts";
import type { Log } from "../kernel/log.ts";

/** Where the files of a segment stand. */
export interface SegmentPlace {
  /** Relative to `data/received`, `/`-separated. */
  readonly folder: string;
  /** Without ending. */
  readonly name: string;
}

export interface SegmentCopiesOptions {
  /** Whether a segment's `.bin` stands there. */
  readonly hasBin: (place: SegmentPlace) => boolean;
  /** Told of each copy that is left out. */
  readonly log: Log;
}

/**
 * Segments that stand in several folders, since recordings were copied, or moved and not removed. A catalogue names one
 * place of each: the first that has the `.bin`, of several that of the old catalogue, else the first that came.
 */
export class SegmentCopies {
  readonly #options: SegmentCopiesOptions;
  readonly #place: Statement<[session: string, index: number], SegmentPlace>;
  #leftOutCount = 0;

  /** @param sqlite - the new catalogue */
  constructor(sqlite: Database, options: SegmentCopiesOptions) {
    this.#options = options;
    this.#place = sqlite.prepare("SELECT folder, name FROM segments WHERE session = ? AND idx = ?");
  }

  /** Copies that no catalogue names. */
  get leftOutCount(): number {
    return this.#leftOutCount;
  }

  /**
   * Whether the new catalogue is to name this place, whatever it named before.
   *
   * @param oldFolder - where the old catalogue had the segment
   */
  admits({ sidecar, folder }: FinishedSegment, oldFolder: string | undefined): boolean {
    const known = this.#place.get(sidecar.session, sidecar.index);
    // A sidecar that was copied under another name beside its own tells of the same files.
    if (known === undefined || known.folder === folder) return true;
    const found = { folder, name: sidecar.name };
    const isBetter = this.#rank(found, oldFolder) > this.#rank(known, oldFolder);
    if (isBetter) this.#leaveOut(known, found);
    else this.#leaveOut(found, known);
    return isBetter;
  }

  #rank(place: SegmentPlace, oldFolder: string | undefined): number {
    return (this.#options.hasBin(place) ? 2 : 0) + (place.folder === oldFolder ? 1 : 0);
  }

  #leaveOut(copy: SegmentPlace, kept: SegmentPlace): void {
    this.#leftOutCount += 1;
    const paths = { copy: pathOf(copy), kept: pathOf(kept) };
    this.#options.log.warn(paths, "segment stands in another folder too: this copy is left out, and stays on the disk");
  }
}

function pathOf({ folder, name }: SegmentPlace): string {
  return folder === "" ? name : `${folder}/${name}`;
}
