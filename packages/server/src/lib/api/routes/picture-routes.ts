import type { FastifyReply } from "fastify";
import type { Static } from "typebox";
import Type from "typebox";
import type { RangeFacts, RangePeaks } from "../../playback/range-facts.ts";
import { type ApiApp, problemAnswers, typedAnswer } from "../api-app.ts";
import type { ApiLoad } from "../api-load.ts";
import type { ApiSources } from "../api-sources.ts";
import { findDevice } from "../known-device.ts";
import { leavingOf } from "../leaving-client.ts";
import { HwidParams, queryOf } from "../parameters.ts";
import { Count, Hwid, Nullable, Time } from "../resources/resource-schemas.ts";
import { formatTime } from "../time-parameter.ts";
import type { ReleaseSlot, WorkSlots } from "../work-slots.ts";
import { describeRange } from "./audio-routes.ts";
import { parseRangeQuery, rangeParameters } from "./range-parameters.ts";

type Sources = Pick<ApiSources, "playback" | "reader" | "clock">;

const binaryType = "application/octet-stream";
/** What stands for a gap among binary peaks: no column has its smallest sample above its largest. */
const gapPair = [32_767, -32_768] as const;

const Width = Type.Optional(Type.Integer({ minimum: 1, maximum: 8192, default: 1024, description: "columns" }));

/** Smallest and largest samples of the columns of a range. */
export const Peaks = Type.Object(
  {
    hwid: Hwid,
    stream_id: Count,
    from: Time,
    to: Time,
    sample_rate_hz: Type.Integer(),
    channels: Type.Integer(),
    width: Type.Integer(),
    exact: Type.Boolean({ description: "measured from the samples; false: from what was stored of them" }),
    peaks: Type.Array(Type.Array(Nullable(Type.Integer({ minimum: -32_768, maximum: 32_767 }))), {
      description: "by channel: min, max of each column in turn; both null where nothing is recorded",
    }),
    gaps: Type.Array(
      Type.Object({ start: Time, duration_s: Type.Number(), cause: Type.String() }, { additionalProperties: false }),
      { description: "in order of time, the first 1000" },
    ),
    gap_count: Count,
    overlap: Nullable(Type.String()),
  },
  { $id: "Peaks", additionalProperties: false },
);

const SpectrogramQuery = queryOf({
  ...rangeParameters,
  width: Width,
  height: Type.Optional(Type.Integer({ minimum: 1, maximum: 1024, default: 128, description: "rows" })),
  format: Type.Optional(Type.Enum(["png", "raw"], { default: "png" })),
});

/** `/devices/{hwid}/peaks` and `/devices/{hwid}/spectrogram`. */
export function addPictureRoutes(
  app: ApiApp,
  { playback, reader, clock }: Sources,
  { pictures }: Pick<ApiLoad, "pictures">,
): void {
  const peaksSchema = {
    operationId: "readPeaks",
    summary: "Smallest and largest samples of a range, for a waveform",
    description: `With Accept: ${binaryType} as s16le: per channel min, max of each column, gaps as 32767, -32768.`,
    ...{ tags: ["audio"], params: HwidParams },
    querystring: queryOf({ ...rangeParameters, width: Width }),
    response: { 200: typedAnswer("the peaks", { "application/json": "Peaks", [binaryType]: null }), ...problemAnswers },
  };
  app.get("/devices/:hwid/peaks", { schema: peaksSchema }, async ({ params, query, headers }, reply) => {
    const { width = 1024, ...range } = query;
    const asked = parseRangeQuery(await findDevice(reader, params.hwid), range, clock.wallMs());
    const peaks = await draw(reply, pictures, (signal) => playback.peaks({ ...asked, width, signal }));
    if (peaks === undefined) return reply;
    reply.headers(describeRange(peaks)).header("vary", "accept");
    if (!(headers.accept ?? "").includes(binaryType)) return formatPeaks(peaks);
    return reply.type(binaryType).send(packPeaks(peaks));
  });

  const spectrogramSchema = {
    operationId: "readSpectrogram",
    summary: "Power of a range over time and frequency",
    description:
      "png: time to the right, highest frequency on top, gaps transparent. raw: a byte each, column by column, lowest " +
      "frequency first; 0: nothing recorded, else (value - 255) / 2 dB of full scale. EET-Lowest-Hz and EET-Highest-Hz " +
      "tell the middle of the outer rows.",
    ...{ tags: ["audio"], params: HwidParams, querystring: SpectrogramQuery },
    response: { 200: typedAnswer("the picture", { "image/png": null, [binaryType]: null }), ...problemAnswers },
  };
  app.get("/devices/:hwid/spectrogram", { schema: spectrogramSchema }, async ({ params, query }, reply) => {
    const { width = 1024, height = 128, format = "png", ...range } = query;
    const asked = parseRangeQuery(await findDevice(reader, params.hwid), range, clock.wallMs());
    const drawn = await draw(reply, pictures, async (signal) => {
      const picture = await playback.spectrogram({ ...asked, width, height, signal });
      return { picture, body: format === "raw" ? picture.values : await picture.png() };
    });
    if (drawn === undefined) return reply;
    const { picture, body } = drawn;
    reply.headers(describeRange(picture)).headers({
      "eet-lowest-hz": picture.lowestHz,
      "eet-highest-hz": picture.highestHz,
    });
    return reply.type(format === "raw" ? binaryType : "image/png").send(toBuffer(body));
  });
}

/**
 * Draws when it is its turn, and stops when the client has gone.
 *
 * @returns `undefined` when it has: nobody is there to be answered
 * @throws LimitError `PICTURE_LIMIT`
 */
async function draw<Picture>(
  reply: FastifyReply,
  slots: WorkSlots,
  work: (signal: AbortSignal) => Promise<Picture>,
): Promise<Picture | undefined> {
  const leaving = leavingOf(reply);
  let release: ReleaseSlot | undefined;
  try {
    release = await slots.queue(leaving);
    return await work(leaving);
  } catch (error) {
    if (!leaving.aborted) throw error;
    reply.hijack();
    return undefined;
  } finally {
    release?.();
  }
}

function toBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function formatPeaks(peaks: RangePeaks): Static<typeof Peaks> {
  return {
    hwid: peaks.hwid,
    stream_id: peaks.streamId,
    from: formatTime(peaks.fromMs),
    to: formatTime(peaks.toMs),
    sample_rate_hz: peaks.sampleRateHz,
    channels: peaks.channels,
    width: peaks.width,
    exact: peaks.isExact,
    peaks: peaks.columns.map((columns) => [...columns]),
    gaps: formatMissing(peaks),
    gap_count: peaks.gapCount,
    overlap: peaks.overlap,
  };
}

function formatMissing({ gaps }: RangeFacts) {
  return gaps.map(({ startMs, durationMs, cause }) => ({
    ...{ start: formatTime(startMs), duration_s: durationMs / 1000, cause },
  }));
}

function packPeaks({ columns }: RangePeaks): Buffer {
  const values = columns.flatMap((channel) => channel.map((value, index) => value ?? gapPair[index % 2] ?? 0));
  const bytes = Buffer.alloc(values.length * 2);
  for (const [index, value] of values.entries()) bytes.writeInt16LE(value, index * 2);
  return bytes;
}
