import { withoutSampleRate } from "@eet/audio";

/** What a FLAC says of itself. */
export interface FlacFields {
  readonly sampleRateHz: number;
  readonly channels: number;
  /** Per channel. */
  readonly sampleCount: number;
  readonly title: string;
  /** Time of the first sample, ms since 1970. */
  readonly startMs: number;
}

/** What the encoder takes. Others are encoded as one of these, and the files say what they are. */
const encodedRatesHz: readonly number[] = [
  8000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000,
];
const standInRateHz = 48_000;

/** Up to the end of STREAMINFO: `fLaC`, the block's header, its body. */
const streamInfoBytes = 42;
/** Of the 20-bit sample rate: two bytes and a half. */
const sampleRateOffset = 18;
/** Of the 36-bit number of samples: half a byte, then four. */
const sampleCountOffset = 21;
const chunksAhead = 2;

/**
 * Encodes samples to FLAC while they come, in bounded memory.
 *
 * @param pcm - interleaved s16le in whole samples
 */
export async function* readFlac(pcm: AsyncGenerator<Uint8Array>, fields: FlacFields): AsyncGenerator<Uint8Array> {
  const frames = new FrameQueue(!encodedRatesHz.includes(fields.sampleRateHz));
  const { readable, writable } = new TransformStream<WrittenChunk, Uint8Array>(
    {
      transform: (chunk, controller) => {
        for (const bytes of frames.take(chunk)) controller.enqueue(bytes);
      },
    },
    { highWaterMark: chunksAhead },
    { highWaterMark: chunksAhead },
  );
  const stopping = new AbortController();
  const encoding = encode(pcm, fields, { frames, writable, stopping: stopping.signal });
  // Its failure ends the stream, too, and is told there.
  encoding.catch(() => {});
  const chunks = readable[Symbol.asyncIterator]();
  try {
    yield* withHeader({ [Symbol.asyncIterator]: () => chunks }, fields);
    await encoding;
  } finally {
    stopping.abort();
    await readable.cancel().catch(() => {});
    await encoding.catch(() => {});
  }
}

interface WrittenChunk {
  readonly data: Uint8Array;
  readonly position: number;
}

/** Frames on their way from the encoder to the file, without their rate where that is not the true one. */
class FrameQueue {
  readonly #isStandIn: boolean;
  #frames: Uint8Array[] = [];
  /** Where the first frame stands. */
  #headerBytes = Number.POSITIVE_INFINITY;

  constructor(isStandIn: boolean) {
    this.#isStandIn = isStandIn;
  }

  add(frame: Uint8Array, position: number): void {
    this.#headerBytes = Math.min(this.#headerBytes, position);
    this.#frames.push(this.#isStandIn ? withoutSampleRate(frame) : new Uint8Array(frame));
  }

  /** The beginning of the file as it was written, then the frames that came since. */
  take({ data, position }: WrittenChunk): readonly Uint8Array[] {
    const header = new Uint8Array(data.subarray(0, Math.max(0, this.#headerBytes - position)));
    const taken = header.byteLength === 0 ? this.#frames : [header, ...this.#frames];
    this.#frames = [];
    return taken;
  }
}

interface FlacTarget {
  readonly frames: FrameQueue;
  readonly writable: WritableStream;
  readonly stopping: AbortSignal;
}

async function encode(
  pcm: AsyncGenerator<Uint8Array>,
  { sampleRateHz, channels, title, startMs }: FlacFields,
  { frames, writable, stopping }: FlacTarget,
): Promise<void> {
  // 12 MB of library that only those wait for who use it.
  const { AudioSample, AudioSampleSource, FlacOutputFormat, Output, StreamTarget } = await loadEncoder();
  const onFrame = (frame: Uint8Array, position: number) => frames.add(frame, position);
  const format = new FlacOutputFormat({ appendOnly: true, onFrame });
  const output = new Output({ format, target: new StreamTarget(writable) });
  const sampleRate = encodedRatesHz.includes(sampleRateHz) ? sampleRateHz : standInRateHz;
  try {
    const source = new AudioSampleSource({ codec: "flac" });
    output.addAudioTrack(source);
    output.setMetadataTags({ title, date: new Date(startMs), comment: `from ${new Date(startMs).toISOString()}` });
    await output.start();
    let at = 0;
    for await (const chunk of pcm) {
      stopping.throwIfAborted();
      const data = new Int16Array(chunk.buffer, chunk.byteOffset, chunk.byteLength / 2);
      const timestamp = at / sampleRate;
      const sample = new AudioSample({
        data,
        format: "s16",
        numberOfChannels: channels,
        sampleRate,
        timestamp,
      });
      await source.add(sample);
      sample.close();
      at += data.length / channels;
    }
    await output.finalize();
  } catch (error) {
    await output.cancel();
    await writable.abort(error).catch(() => {});
    throw error;
  }
}

async function loadEncoder() {
  const [library, { registerFlacEncoder }] = await Promise.all([
    import("mediabunny"),
    import("@mediabunny/flac-encoder"),
  ]);
  if (!(await library.canEncodeAudio("flac"))) registerFlacEncoder();
  return library;
}

/** The encoder cannot go back to say how many samples there were; here that is known before. */
async function* withHeader(
  chunks: AsyncIterable<Uint8Array>,
  { sampleCount, sampleRateHz }: FlacFields,
): AsyncGenerator<Uint8Array> {
  let beginning: Uint8Array | undefined = new Uint8Array();
  for await (const chunk of chunks) {
    if (beginning === undefined) {
      yield chunk;
      continue;
    }
    beginning = Buffer.concat([beginning, chunk]);
    if (beginning.byteLength < streamInfoBytes) continue;
    const view = new DataView(beginning.buffer, beginning.byteOffset);
    view.setUint16(sampleRateOffset, sampleRateHz >> 4);
    const channelBits = view.getUint8(sampleRateOffset + 2) & 0x0f;
    view.setUint8(sampleRateOffset + 2, ((sampleRateHz & 0x0f) << 4) | channelBits);
    view.setUint8(sampleCountOffset, (view.getUint8(sampleCountOffset) & 0xf0) | Math.floor(sampleCount / 2 ** 32));
    view.setUint32(sampleCountOffset + 1, sampleCount % 2 ** 32);
    yield beginning;
    beginning = undefined;
  }
}
