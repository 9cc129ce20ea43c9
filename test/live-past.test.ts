import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { NibbleOrder } from "@eet/audio";
import { type FrameStream, openFrameStream } from "@eet/client";
import type { StreamFormat } from "@eet/protocol";
import type { LiveStream, PastMessage } from "@eet/server/api-types";
import { LiveViewer } from "./support/live-viewer.ts";
import { OpenServer } from "./support/open-server.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./support/temporary-folder.ts";
import { adpcmPayloads, makeTone, pcmPayloads } from "./support/tone.ts";

const rateHz = 16_000;
const pcm: StreamFormat = { codec: "pcm16", sampleRateHz: rateHz, channels: 1, frameSampleCount: 320 };
const [columnSamples, blockSamples] = [rateHz / 20, rateHz / 10];
const binCount = 256;
const frequencyHz = 1_000;
const toneBin = frequencyHz / (rateHz / 2 / binCount);
/** Of a tone at half of full scale. */
const peakDbfs = -6.02;
/** What a device sends before anybody looks: 3.02 s, which ends in the middle of a column. */
const tone = makeTone(frequencyHz, rateHz, 151 * 320, 0.5);

/** A device that sent something, and goes on as one does until it is disposed of. */
class Streaming implements AsyncDisposable {
  readonly #stream: FrameStream;
  readonly #timer: NodeJS.Timeout;

  private constructor(stream: FrameStream, payloads: readonly Uint8Array[]) {
    this.#stream = stream;
    let count = 0;
    this.#timer = setInterval(() => {
      const payload = payloads[count++ % payloads.length];
      if (payload !== undefined) void this.#stream.send(payload);
    }, 20);
  }

  static async open(url: string, hwid: string, format: StreamFormat, payloads: readonly Uint8Array[]) {
    const stream = await openFrameStream({ url, hwid, streamId: 0, format, timestampMs: 0 });
    for (const payload of payloads) await stream.send(payload);
    return new Streaming(stream, payloads);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#stream.close();
  }
}

/** What a viewer has of a device: live under one id, what was before under another. */
class Look {
  readonly viewer: LiveViewer;
  readonly #hwid: string;

  constructor(viewer: LiveViewer, hwid: string) {
    this.viewer = viewer;
    this.#hwid = hwid;
  }

  /** Begins to look. @returns what is streamed, and where the first live column begins */
  async begin(): Promise<{ readonly stream: LiveStream; readonly liveStart: number }> {
    await this.viewer.request({ type: "device", id: 1, hwid: this.#hwid, spectrum_bins: binCount });
    await this.viewer.until("a column comes live", () => this.viewer.spectra.length > 0);
    const stream = this.viewer.stream(1);
    assert.ok(stream);
    return { stream, liveStart: this.viewer.spectra[0]?.start ?? 0 };
  }

  /** Asks once. */
  async ask(session: string, fromSample: number, toSample: number): Promise<PastMessage> {
    await this.viewer.request({
      ...{ type: "past", id: 2, hwid: this.#hwid, session, spectrum_bins: binCount },
      ...{ from_sample: fromSample, to_sample: toSample },
    });
    const answer = this.viewer.last("past");
    assert.ok(answer);
    return answer;
  }

  /** Asks until all is there: the last of it is not written yet. @returns where it begins */
  async askAll(session: string, fromSample: number, toSample: number): Promise<number> {
    const first = await this.ask(session, fromSample, toSample);
    for (let last = first; last.to_sample < toSample; ) last = await this.ask(session, last.to_sample, toSample);
    return first.from_sample;
  }

  /** Starts of the columns that were asked for, and their bins. */
  get columns(): readonly { readonly start: number; readonly levels: Uint8Array }[] {
    return this.viewer.spectra
      .filter(({ id }) => id === 2)
      .flatMap(({ start, columns }) =>
        columns.map((levels, place) => ({ start: start + place * columnSamples, levels })),
      );
  }

  /** Ends of the levels that were asked for. */
  get levelEnds(): readonly number[] {
    return this.viewer.levels.filter(({ id }) => id === 2).map(({ endSample }) => endSample);
  }

  assertTone(): void {
    for (const { start, levels } of this.columns) {
      assert.equal(levels.indexOf(Math.max(...levels)), toneBin, `loudest bin of the column at ${start}`);
    }
    for (const { id, channels } of this.viewer.levels) {
      if (id === 2) assert.ok(Math.abs((channels[0]?.peakDbfs ?? 0) - peakDbfs) < 0.6, `peak ${channels[0]?.peakDbfs}`);
    }
  }
}

function everyFrom(from: number, to: number, step: number): readonly number[] {
  return Array.from({ length: Math.max(0, Math.ceil((to - from) / step)) }, (_, index) => from + index * step);
}

describe("the past of /api/v1/live", () => {
  const stack = new AsyncDisposableStack();
  let folder: TemporaryFolder;
  let server: OpenServer;

  before(async () => {
    folder = stack.use(await makeTemporaryFolder());
    server = stack.use(await OpenServer.open(folder.path, { "rotate-s": "3600", "flush-ms": "50" }));
  });
  after(() => stack.disposeAsync());

  /** Looks at a device that has sent the tone, and compares what was before with it. */
  async function assertWholePast(hwid: string, format: StreamFormat, payloads: readonly Uint8Array[]): Promise<void> {
    await using _device = await Streaming.open(server.url, hwid, format, payloads);
    await using viewer = await LiveViewer.open(server.port);
    const look = new Look(viewer, hwid);
    const { stream, liveStart } = await look.begin();
    assert.ok(liveStart >= 3 * rateHz, `live begins at ${liveStart}`);
    assert.equal(await look.askAll(stream.session, 0, liveStart), 0);
    const starts = look.columns.map(({ start }) => start);
    assert.deepEqual(starts, everyFrom(0, liveStart, columnSamples), "each column once, up to the first live one");
    const lastBlock = Math.ceil(liveStart / blockSamples) * blockSamples;
    assert.deepEqual(look.levelEnds, everyFrom(blockSamples, lastBlock + 1, blockSamples));
    look.assertTone();
  }

  it("gives what an open segment holds of PCM, up to the first column that comes live", () =>
    assertWholePast("pcm", pcm, pcmPayloads(tone, 320)));

  for (const order of ["low", "high"] as const satisfies readonly NibbleOrder[])
    it(`gives it of ADPCM whose ${order} nibble is first [P-1.5]`, () =>
      assertWholePast(`adpcm-${order}`, { ...pcm, codec: "adpcm" }, adpcmPayloads(tone, 320, order)));

  it("gives the peaks of seconds alone where no spectrum is asked for", async () => {
    await using _device = await Streaming.open(server.url, "seconds", pcm, pcmPayloads(tone, 320));
    await using viewer = await LiveViewer.open(server.port);
    const { stream } = await new Look(viewer, "seconds").begin();
    const { session } = stream;
    const [levelCount, columnCount] = [viewer.levels.length, viewer.spectra.length];
    viewer.ask({ type: "stop", id: 1 });
    const range = { from_sample: rateHz, to_sample: 3 * rateHz };
    await viewer.request({ type: "past", id: 2, hwid: "seconds", session, ...range, spectrum_bins: 0 });
    const { from_sample, to_sample, seconds = [] } = viewer.last("past") ?? {};
    assert.deepEqual({ from_sample, to_sample }, range);
    assert.deepEqual(
      seconds.map(({ peak_dbfs, flags }) => [Math.abs((peak_dbfs ?? 0) - peakDbfs) < 0.1, flags]),
      [
        [true, 0],
        [true, 0],
      ],
    );
    const isPast = ({ id }: { readonly id: number }) => id === 2;
    assert.ok(![...viewer.levels.slice(levelCount), ...viewer.spectra.slice(columnCount)].some(isPast));
  });

  it("gives nothing of a session that is not received, or of another device", async () => {
    await using _device = await Streaming.open(server.url, "mic", pcm, pcmPayloads(tone, 320));
    await using viewer = await LiveViewer.open(server.port);
    const look = new Look(viewer, "mic");
    const { stream } = await look.begin();
    const none = await look.ask("none", 8_000, 16_000);
    assert.deepEqual([none.from_sample, none.to_sample], [8_000, 8_000]);
    const { session } = stream;
    await viewer.request({ type: "past", id: 2, hwid: "other", session, from_sample: 0, to_sample: 16_000 });
    assert.deepEqual([viewer.last("past")?.to_sample, look.columns.length], [0, 0]);
  });

  it("reads nothing of what nobody waits for any more, and takes the id for something else", async () => {
    await using _device = await Streaming.open(server.url, "left", pcm, pcmPayloads(tone, 320));
    await using viewer = await LiveViewer.open(server.port);
    const look = new Look(viewer, "left");
    const { stream } = await look.begin();
    const past = { type: "past", id: 2, hwid: "left", session: stream.session, from_sample: 0 } as const;
    for (let count = 0; count < 20; count += 1) viewer.ask({ ...past, to_sample: 16_000 });
    viewer.ask({ type: "stop", id: 2 });
    await viewer.until("it is stopped", () => viewer.last("stopped") !== undefined);
    const before = look.columns.length;
    const answer = await look.ask(stream.session, 0, 16_000);
    assert.equal(answer.to_sample, 16_000);
    assert.deepEqual([look.columns.length - before, viewer.last("error")], [20, undefined]);
  });

  it("goes on across segments, and while they are closed", async () => {
    await using other = await makeTemporaryFolder();
    await using rotating = await OpenServer.open(other.path, { "rotate-s": "1", "flush-ms": "50" });
    await using _device = await Streaming.open(rotating.url, "mic", pcm, pcmPayloads(tone, 320));
    await using viewer = await LiveViewer.open(rotating.port);
    const look = new Look(viewer, "mic");
    const { stream, liveStart } = await look.begin();
    // Of the last segments, the first may have left the list by now.
    const from = await look.askAll(stream.session, liveStart - rateHz, liveStart);
    const starts = look.columns.map(({ start }) => start);
    assert.deepEqual(starts, everyFrom(from, liveStart, columnSamples));
    look.assertTone();
  });
});
