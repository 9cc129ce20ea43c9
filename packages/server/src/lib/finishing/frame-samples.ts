import { endianness } from "node:os";
import { decodeMultichannelAdpcm, FrameDecoder, parseAdpcmHeader, type SampleSink } from "@eet/audio";
import type { ClosedSegment, SegmentOpening } from "../kernel/segment-record.ts";
import type { BinFrame, BinReader } from "./bin-reader-store.ts";
import type { PlacedFrame } from "./frame-scan.ts";
import type { NibbleDecision } from "./nibble-decision.ts";

const isBigEndian = endianness() === "BE";

/** What must be known of a segment to decode its frames. */
export interface DecodableSegment {
  readonly opening: SegmentOpening;
  readonly nibbleOrder: NibbleDecision | null;
  readonly nextFrame: ClosedSegment["nextFrame"];
}

/** Decodes frames of a segment, each to exactly the samples that it stands for. */
export class FrameSamples {
  readonly #segment: DecodableSegment;
  readonly #sink: SampleSink;
  /** Of mono ADPCM. */
  readonly decoder: FrameDecoder | undefined;

  /** @param sink - takes interleaved samples; the array may be written over afterwards */
  constructor(segment: DecodableSegment, sink: SampleSink) {
    const { codec, channels } = segment.opening.session.format;
    this.#segment = segment;
    this.#sink = sink;
    this.decoder =
      codec === "adpcm" && channels === 1 ? new FrameDecoder(segment.nibbleOrder?.order ?? "low", sink) : undefined;
  }

  /** @param reader - stands behind the frame */
  push(placed: PlacedFrame, reader: BinReader): void {
    if (this.decoder !== undefined) {
      this.decoder.decode(placed.frame.payload, placed.sampleCount, this.#stateAfter(placed, reader));
    } else if (this.#segment.opening.session.format.codec === "pcm16") this.#sink(readSamples(placed.frame));
    else this.#sink(this.#decodeChannels(placed));
  }

  /** Encoder state in front of the frame that follows without a gap. [P-1.6] */
  #stateAfter({ seq, sampleCount }: PlacedFrame, reader: BinReader) {
    // Only an odd frame can lack its last code.
    if (sampleCount % 2 === 0) return undefined;
    const next = reader.peek();
    if (next !== undefined) return next.seq === (seq + 1) % 2 ** 32 ? parseAdpcmHeader(next.payload) : undefined;
    const { nextFrame } = this.#segment;
    if (nextFrame === null || nextFrame.seq !== seq + 1) return undefined;
    return { predictor: nextFrame.predictor, stepIndex: nextFrame.stepIndex };
  }

  #decodeChannels({ frame, sampleCount }: PlacedFrame): Int16Array {
    const { opening, nibbleOrder } = this.#segment;
    const { format, profile } = opening.session;
    const { channels } = format;
    const out = new Int16Array(sampleCount * channels);
    const layout = profile.adpcmLayout ?? "single";
    decodeMultichannelAdpcm(
      frame.payload,
      { layout, channels, order: nibbleOrder?.order ?? "low" },
      sampleCount,
      out,
      0,
    );
    return out;
  }
}

/** Little-endian samples of a payload that may stand at an odd address; in bulk, which costs half of one by one. */
function readSamples({ payload }: BinFrame): Int16Array {
  const bytes = new Uint8Array(payload.byteLength);
  bytes.set(payload);
  if (isBigEndian) Buffer.from(bytes.buffer).swap16();
  return new Int16Array(bytes.buffer);
}
