// Judges what a server has on its disk by what devices know. It reads the files by itself: nothing of the server helps.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { countSamples, type DeliveryRecord, makePayload, type WitnessedSession } from "./delivery-record.ts";

const frameHeaderBytes = 12;
const wavHeaderBytes = 44;
const frameMagicOf = { pcm16: 0x464d4350, adpcm: 0x41445046 } as const;
/** What is told of one device at most: the first faults say all. */
const maxFaultCount = 5;

export interface CheckOptions {
  /** `data/received` */
  readonly received: string;
  /** Everything is closed: no parts may be left, and every segment has its WAV. Default false. */
  readonly isClosed?: boolean;
  /** Media seconds of a segment: longer gaps are not filled. Default 1. */
  readonly rotateS?: number;
}

/** What came out for one or more devices. */
export interface Findings {
  /** Each names hwid, session and seq; none when every promise was kept. */
  readonly faults: string[];
  frameCount: number;
  /** Runs of frames that are missing and were promised to nobody. */
  holeCount: number;
  /** Files of open segments that end within a frame. */
  tornCount: number;
}

/** A segment as it lies on disk. */
interface StoredSegment {
  readonly name: string;
  readonly index: number;
  readonly startSample: number;
  readonly isOpen: boolean;
  readonly bin: Buffer;
  /** The samples of its WAV; `undefined` without one. */
  readonly wav: Buffer | undefined;
}

interface StoredSession {
  readonly id: string;
  readonly segments: readonly StoredSegment[];
}

/**
 * Checks each device's folder: all that was acknowledged is there, in order, with the right payload; nothing is there
 * twice within a session; nothing is there that was never sent.
 */
export async function checkDelivery(records: readonly DeliveryRecord[], options: CheckOptions): Promise<Findings> {
  const findings: Findings = { faults: [], frameCount: 0, holeCount: 0, tornCount: 0 };
  for (const record of records) {
    const judge = new DeliveryJudge(record, options, findings);
    judge.judge(await readSessions(join(options.received, record.hwid), options.isClosed === true));
    findings.faults.push(...judge.faults.slice(0, maxFaultCount));
  }
  return findings;
}

class DeliveryJudge {
  readonly faults: string[] = [];
  readonly #record: DeliveryRecord;
  readonly #options: CheckOptions;
  readonly #findings: Findings;
  /** Behind the last frame of a stored session that is there without a hole, by what the session begins with. */
  readonly #reached = new Map<number, number>();

  constructor(record: DeliveryRecord, options: CheckOptions, findings: Findings) {
    this.#record = record;
    this.#options = options;
    this.#findings = findings;
  }

  judge(stored: readonly StoredSession[]): void {
    for (const session of stored) this.#judgeStored(session);
    for (const witnessed of this.#record.sessions) this.#judgePromise(witnessed, stored);
  }

  /** Every frame before `durable_next` is there, or was dropped by the device itself. */
  #judgePromise({ session, firstSeq, durableNext }: WitnessedSession, stored: readonly StoredSession[]): void {
    if (durableNext === firstSeq) return;
    const reached = this.#reached.get(firstSeq);
    if (reached !== undefined && reached >= durableNext) return;
    const ids = stored.map(({ id }) => id).join(", ");
    const what =
      reached === undefined ? `no session on disk begins there (on disk: ${ids})` : `seq ${reached} is missing on disk`;
    this.#blame(`session ${session} was acknowledged from ${firstSeq} up to ${durableNext}, but ${what}`);
  }

  #judgeStored({ id, segments }: StoredSession): void {
    const frames = segments.flatMap((segment) => this.#readFrames(id, segment));
    const [first] = frames;
    if (first === undefined) return;
    const witnessed = this.#witnessesOf(first.wireSeq);
    const [{ firstSeq } = { firstSeq: undefined }] = witnessed;
    if (firstSeq === undefined) {
      this.#blame(`session ${id} on disk begins with seq ${first.wireSeq}, which was sent in no session of the device`);
      return;
    }
    const pieces = this.#walk(id, frames, firstSeq, witnessed);
    if (this.#options.isClosed === true) this.#judgeWavs(id, segments, pieces);
  }

  /**
   * The device's sessions that a stored one may be. Several begin alike when nothing was acknowledged in all but the last.
   * A stored session whose beginning is missing is the latest one in which its first frame was sent.
   */
  #witnessesOf(wireSeq: number): readonly WitnessedSession[] {
    const { sessions } = this.#record;
    const alike = sessions.filter(({ firstSeq }) => firstSeq >>> 0 === wireSeq);
    if (alike.length > 0) return alike;
    const latest = sessions.findLast(({ firstSeq, sentNext }) => (wireSeq - firstSeq) >>> 0 < sentNext - firstSeq);
    return latest === undefined ? [] : [latest];
  }

  /** @returns what the WAVs of a session hold, one piece after the other */
  #walk(
    id: string,
    frames: readonly StoredFrame[],
    firstSeq: number,
    witnessed: readonly WitnessedSession[],
  ): readonly WavPiece[] {
    const { format, deviceNumber } = this.#record;
    const sentNext = Math.max(...witnessed.map((session) => session.sentNext));
    const isDropped = (seq: number) => witnessed.some(({ dropped }) => dropped.has(seq));
    const longestFill = (this.#options.rotateS ?? 1) * format.sampleRateHz;
    const pieces: WavPiece[] = [];
    let next = firstSeq;
    let reached: number | undefined;
    for (const { wireSeq, payload, where } of frames) {
      const seq = next + ((wireSeq - next) | 0);
      if (seq < next) {
        this.#blame(
          `session ${id}: seq ${seq} comes in ${where} where ${next} is due: it is there twice or out of order`,
        );
        continue;
      }
      const lost = firstOf(next, seq, (missing) => !isDropped(missing));
      if (lost !== undefined) this.#findings.holeCount += 1;
      reached ??= lost;
      const missingSamples = (seq - next) * format.frameSampleCount;
      if (missingSamples > 0 && missingSamples <= longestFill) pieces.push({ gapSamples: missingSamples });
      pieces.push({ payload });
      if (seq >= sentNext) this.#blame(`session ${id}: seq ${seq} in ${where} was never sent`);
      else if (!payload.equals(makePayload(format, deviceNumber, seq))) {
        this.#blame(`session ${id}: seq ${seq} in ${where} has a payload that was not sent`);
      }
      next = seq + 1;
    }
    while (isDropped(next)) next += 1;
    this.#reached.set(firstSeq, Math.max(this.#reached.get(firstSeq) ?? 0, reached ?? next));
    this.#findings.frameCount += frames.length;
    return pieces;
  }

  #readFrames(id: string, segment: StoredSegment): readonly StoredFrame[] {
    const { bin, name, isOpen } = segment;
    const frames = splitFrames(bin, frameMagicOf[this.#record.format.codec], name);
    const wholeBytes = frames.reduce((sum, { payload }) => sum + frameHeaderBytes + payload.length, 0);
    if (wholeBytes === bin.length) return frames;
    if (isOpen) this.#findings.tornCount += 1;
    else this.#blame(`session ${id}: ${name} has ${bin.length - wholeBytes} bytes behind its last whole frame`);
    return frames;
  }

  #judgeWavs(id: string, segments: readonly StoredSegment[], pieces: readonly WavPiece[]): void {
    const { format } = this.#record;
    const sampleBytes = format.channels * 2;
    for (const { name, isOpen, wav } of segments) {
      if (isOpen) this.#blame(`session ${id}: ${name} is not closed`);
      else if (wav === undefined) this.#blame(`session ${id}: ${name} has no WAV`);
    }
    const samples = Buffer.concat(segments.flatMap(({ wav }) => wav ?? []));
    const counts = pieces.map((piece) =>
      "payload" in piece ? countSamples(format, piece.payload.length) : piece.gapSamples,
    );
    const expectedCount = counts.reduce((sum, count) => sum + count, 0);
    if (samples.length !== expectedCount * sampleBytes) {
      this.#blame(
        `session ${id}: ${samples.length / sampleBytes} samples in WAVs, ${expectedCount} in frames and gaps`,
      );
    } else if (format.codec === "pcm16") {
      // Of ADPCM only the server's own check and the decoders' tests tell: noise has no nibble order to be found.
      const expected = pieces.map((piece) =>
        "payload" in piece ? piece.payload : Buffer.alloc(piece.gapSamples * sampleBytes),
      );
      if (!samples.equals(Buffer.concat(expected))) {
        this.#blame(`session ${id}: the WAVs are not what was sent, with silence for what is missing`);
      }
    }
  }

  #blame(fault: string): void {
    this.faults.push(`${this.#record.hwid}: ${fault}`);
  }
}

/** The first number in a range of which something holds. */
function firstOf(from: number, to: number, isSo: (seq: number) => boolean): number | undefined {
  for (let seq = from; seq < to; seq++) if (isSo(seq)) return seq;
  return undefined;
}

/** Samples of a frame, or the silence that stands for missing ones. */
type WavPiece = { readonly payload: Buffer } | { readonly gapSamples: number };

interface StoredFrame {
  readonly wireSeq: number;
  readonly payload: Buffer;
  /** Name of the file. */
  readonly where: string;
}

/** The whole frames that a file begins with. */
function splitFrames(bin: Buffer, magic: number, where: string): readonly StoredFrame[] {
  const frames: StoredFrame[] = [];
  for (let at = 0; at + frameHeaderBytes <= bin.length; ) {
    const end = at + frameHeaderBytes + bin.readUInt32LE(at + 4);
    if (bin.readUInt32LE(at) !== magic || end > bin.length) break;
    frames.push({ wireSeq: bin.readUInt32LE(at + 8), payload: bin.subarray(at + frameHeaderBytes, end), where });
    at = end;
  }
  return frames;
}

/** The sessions in a device's folder, each with its segments in order. WAVs are looked at only where they are wanted. */
async function readSessions(folder: string, wantsWavs: boolean): Promise<readonly StoredSession[]> {
  const names = new Set(await readdir(folder).catch((): string[] => []));
  const segmentsOf = new Map<string, StoredSegment[]>();
  for (const name of names) {
    const [, stem, id, index] = /^(.+_([0-9a-z]+)-(\d+))\.bin(?:\.part)?$/.exec(name) ?? [];
    if (stem === undefined || id === undefined) continue;
    const segments = segmentsOf.get(id) ?? [];
    segmentsOf.set(id, segments);
    segments.push({
      name,
      index: Number(index),
      startSample: await readStartSample(join(folder, stem), names, stem),
      isOpen: name.endsWith(".part"),
      bin: await readFile(join(folder, name)),
      wav: wantsWavs && names.has(`${stem}.wav`) ? await readWavSamples(join(folder, `${stem}.wav`)) : undefined,
    });
  }
  return [...segmentsOf].map(([id, segments]) => ({
    id,
    segments: segments.sort((a, b) => a.startSample - b.startSample || a.index - b.index),
  }));
}

/** The only thing that is taken from sidecars: where a segment stands in its session. */
async function readStartSample(path: string, names: ReadonlySet<string>, stem: string): Promise<number> {
  if (names.has(`${stem}.json`)) return JSON.parse(await readFile(`${path}.json`, "utf8")).start_sample;
  if (names.has(`${stem}.open.json`)) return JSON.parse(await readFile(`${path}.open.json`, "utf8")).start.sample;
  throw new Error(`${path} has neither .json nor .open.json`);
}

/** The samples behind the canonical header. [S-1.5] */
async function readWavSamples(path: string): Promise<Buffer> {
  const file = await readFile(path);
  const marks = file.toString("latin1", 0, 4) + file.toString("latin1", 36, wavHeaderBytes - 4);
  if (marks !== "RIFFdata") throw new Error(`${path} is no WAV`);
  const end = wavHeaderBytes + file.readUInt32LE(wavHeaderBytes - 4);
  if (end > file.length) throw new Error(`${path} is shorter than it says`);
  return file.subarray(wavHeaderBytes, end);
}
