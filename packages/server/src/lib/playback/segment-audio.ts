import { join } from "node:path";
import type { CatalogReader, SegmentDetails, SegmentPlace } from "../catalog/catalog-reader.ts";
import { StorageError, systemErrorCode, toError } from "../kernel/errors.ts";
import type { SegmentFileKind } from "../kernel/finished-segment.ts";
import type { Log } from "../kernel/log.ts";
import type { ObjectReader } from "../kernel/object-reader.ts";
import { segmentEndings } from "../storage/segment-path.ts";
import { BinAudio } from "./bin-audio.ts";
import type { PlaybackThreads } from "./playback-threads.ts";
import { layOutWav, type WavStretch } from "./wav-layout.ts";
import { hasFile, readLocalWav, readStretches, readText, stampFile, type TakeMemory } from "./wav-part-store.ts";

export interface SegmentAudioOptions {
  readonly reader: Pick<CatalogReader, "segment" | "gapsOf">;
  /** `data/received` */
  readonly receivedPath: string;
  readonly objects: ObjectReader | undefined;
  readonly threads: PlaybackThreads;
  readonly log: Log;
}

interface Part {
  readonly segment: SegmentPlace;
  readonly fromSample: number;
  readonly toSample: number;
}

/**
 * Reads samples of segments from where they can be had: the local WAV, the local `.bin`, the WAV and the `.bin` in the
 * object store. Each is compared with what the catalogue or the sidecar says before it is believed.
 */
export class SegmentAudio {
  readonly #options: SegmentAudioOptions;
  readonly #bins: BinAudio;

  constructor(options: SegmentAudioOptions) {
    this.#options = options;
    this.#bins = new BinAudio(options.threads, options.objects);
  }

  /**
   * Reads a part of a segment; gaps are silence.
   *
   * @param fromSample - position in the session, as `toSample`; both within the segment
   * @param take - gives memory that the samples may be put into; default: fresh memory
   * @returns interleaved s16le
   * @throws StorageError `AUDIO_UNAVAILABLE`, with what was tried
   */
  async read(segment: SegmentPlace, fromSample: number, toSample: number, take?: TakeMemory): Promise<Uint8Array> {
    const part = { segment, fromSample, toSample };
    const failures: string[] = [];
    const attempt = async (what: string, work: () => Promise<Uint8Array | undefined>) => {
      try {
        const bytes = await work();
        if (bytes === undefined || bytes.byteLength === (toSample - fromSample) * segment.format.channels * 2)
          return bytes;
        throw new Error(`${bytes.byteLength} bytes are not samples ${fromSample} to ${toSample}`);
      } catch (thrown) {
        failures.push(this.#describeFailure(part, what, toError(thrown)));
        return undefined;
      }
    };
    const stretches = await this.#layOut(part);
    const local =
      (await attempt("local .wav", () => this.#readLocalWav(part, stretches, take))) ??
      (await attempt("local .bin", async () => {
        const path = this.#basePath(segment) + segmentEndings.bin;
        const stamp = await stampFile(path);
        const sidecar = await this.#readSidecar(segment, undefined);
        return bytesOf(await this.#bins.readLocal(path, stamp, { sidecar, fromSample, toSample }));
      }));
    if (local !== undefined) return local;
    const details = await this.#options.reader.segment(segment.id);
    const bytes =
      (await attempt(".wav in the object store", () => this.#fetchWav(part, details, stretches))) ??
      (await attempt(".bin in the object store", () => this.#fetchBin(part, details)));
    if (bytes !== undefined) return bytes;
    const tried = failures.length === 0 ? "neither here nor in an object store" : failures.join("; ");
    throw new StorageError("AUDIO_UNAVAILABLE", `${segment.name}: ${tried}`);
  }

  /** Whether its `.wav` or its `.bin` stands here: also where it was evicted, as somebody may have brought it back. */
  async isHere(segment: SegmentPlace): Promise<boolean> {
    const path = this.#basePath(segment);
    return (await hasFile(path + segmentEndings.wav)) || (await hasFile(path + segmentEndings.bin));
  }

  #describeFailure({ segment }: Part, what: string, error: Error): string {
    if (systemErrorCode(error) === "ENOENT") return `no ${what}`;
    this.#options.log.warn({ segment: segment.name, error: error.message }, `${what} not usable`);
    return `${what}: ${error.message}`;
  }

  #basePath({ folder, name }: SegmentPlace): string {
    return join(this.#options.receivedPath, folder, name);
  }

  /** @returns `undefined` when there is no WAV, or none that the catalogue's numbers explain */
  async #layOut({ segment, fromSample, toSample }: Part): Promise<readonly WavStretch[] | undefined> {
    if (segment.wavSampleCount === null) return undefined;
    const hasAll = segment.wavSampleCount === segment.sampleCount;
    const gaps = hasAll ? [] : await this.#options.reader.gapsOf([segment.id]);
    return layOutWav(segment, gaps, fromSample, toSample);
  }

  async #readLocalWav({ segment }: Part, stretches: readonly WavStretch[] | undefined, take: TakeMemory | undefined) {
    if (stretches === undefined || segment.wavSampleCount === null) return undefined;
    const expected = { ...segment.format, sampleCount: segment.wavSampleCount };
    return await readLocalWav(this.#basePath(segment) + segmentEndings.wav, expected, stretches, take);
  }

  async #fetchWav(
    { segment }: Part,
    details: SegmentDetails | undefined,
    stretches: readonly WavStretch[] | undefined,
  ): Promise<Uint8Array | undefined> {
    const { objects } = this.#options;
    const key = keyOf(details, "wav");
    const expectedBytes = details?.files.find(({ kind }) => kind === "wav")?.bytes;
    if (objects === undefined || key === undefined || stretches === undefined) return undefined;
    return await readStretches(stretches, segment.format.channels, async (start, end) => {
      const { bytes, objectBytes } = await objects.get(key, { start, end });
      if (objectBytes === expectedBytes) return bytes;
      throw new Error(`${key} has ${objectBytes} bytes, the catalogue says ${expectedBytes}`);
    });
  }

  async #fetchBin(part: Part, details: SegmentDetails | undefined): Promise<Uint8Array | undefined> {
    const { objects } = this.#options;
    const key = keyOf(details, "bin");
    if (objects === undefined || key === undefined) return undefined;
    const { segment, fromSample, toSample } = part;
    const sidecar = await this.#readSidecar(segment, details);
    return bytesOf(await this.#bins.readStored(key, { sidecar, fromSample, toSample }));
  }

  /** It stays when the rest is evicted. */
  async #readSidecar(segment: SegmentPlace, details: SegmentDetails | undefined): Promise<string> {
    const local = await readText(this.#basePath(segment) + segmentEndings.json);
    if (local !== undefined) return local;
    const key = keyOf(details, "json");
    const { objects } = this.#options;
    if (objects === undefined || key === undefined) throw new Error("the sidecar is missing");
    return Buffer.from((await objects.get(key)).bytes).toString("utf8");
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: Int16Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function keyOf(details: SegmentDetails | undefined, kind: SegmentFileKind): string | undefined {
  const upload = details?.uploads.find((candidate) => candidate.kind === kind && candidate.state === "stored");
  return upload?.key ?? undefined;
}
