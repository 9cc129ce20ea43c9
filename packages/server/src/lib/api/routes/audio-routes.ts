import { finished, Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import Type from "typebox";
import type { ByteRange } from "../../kernel/object-reader.ts";
import { ChunkMemory } from "../../playback/chunk-memory.ts";
import type { RangeAudio } from "../../playback/playback.ts";
import type { AudioFacts, RangeFacts } from "../../playback/range-facts.ts";
import { audioFormats, gapModes } from "../../playback/range-request.ts";
import { type ApiApp, problemAnswers, typedAnswer } from "../api-app.ts";
import type { ApiLoad } from "../api-load.ts";
import type { ApiSources } from "../api-sources.ts";
import { matchesAny, sendBytes } from "../byte-answer.ts";
import { findDevice } from "../known-device.ts";
import { LentBody } from "../lent-body.ts";
import { HwidParams, queryOf } from "../parameters.ts";
import { formatExactTime } from "../time-parameter.ts";
import { parseRangeQuery, rangeParameters } from "./range-parameters.ts";

/** Of a header. */
const maxGapsInHeader = 50;

const Query = queryOf({
  ...rangeParameters,
  format: Type.Optional(Type.Enum([...audioFormats], { default: "wav", description: "raw is interleaved s16le" })),
  gaps: Type.Optional(
    Type.Enum([...gapModes], {
      default: "silence",
      description: "list: what is missing is left out, EET-Gaps tells where",
    }),
  ),
  download: Type.Optional(Type.Boolean({ description: "true: browsers save it instead of playing it" })),
});

const bodies = { "audio/wav": null, "audio/flac": null, "application/octet-stream": null };
const description =
  "Sample-exact across segments and sessions, from local files or the object store, streamed. The answer's headers tell " +
  "what it is: EET-From, EET-To (the bounds on the sample grid: from= with the EET-To of the call before goes on with the " +
  "sample behind it), EET-Sample-Rate, EET-Channels, EET-Samples (per channel), EET-Stream, EET-Sessions, EET-Gap-Count, " +
  "EET-Gap-Samples, EET-Gaps (the first 50: start/seconds/cause/samples from EET-From to it/samples; all of them: " +
  "/devices/{hwid}/audio/gaps) and " +
  "EET-Overlap (by which rule overlapping sessions were resolved). WAV and raw have a Content-Length and take Range; " +
  "FLAC is made on the way and has neither.";

/** `/devices/{hwid}/audio`. */
export function addAudioRoutes(
  app: ApiApp,
  { playback, reader, clock }: Pick<ApiSources, "playback" | "reader" | "clock">,
  { exports }: Pick<ApiLoad, "exports">,
): void {
  const schema = {
    ...{ operationId: "exportAudio", summary: "Audio of any range", description, tags: ["audio"] },
    ...{ params: HwidParams, querystring: Query },
    response: {
      200: typedAnswer("the audio", bodies),
      206: typedAnswer("the bytes asked for by Range", bodies),
      304: { ...Type.Null(), description: "it is as If-None-Match says" },
      ...problemAnswers,
    },
  };
  app.get("/devices/:hwid/audio", { schema }, async (request, reply) => {
    const { format = "wav", gaps = "silence", download = false, ...range } = request.query;
    const asked = parseRangeQuery(await findDevice(reader, request.params.hwid), range, clock.wallMs());
    const release = exports.take();
    // However the answer ends: all sent, client gone, or an error instead.
    finished(reply.raw, release);
    const audio = await playback.audio({ ...asked, format, gaps });
    reply.headers(describeAudio(audio.facts));
    return sendAudio(request, reply, audio, download);
  });
}

function sendAudio(request: FastifyRequest, reply: FastifyReply, audio: RangeAudio, isAttachment: boolean) {
  const { byteLength, contentType, etag, fileName } = audio;
  if (byteLength !== undefined) {
    const read = (bytes: ByteRange) => {
      const memory = new ChunkMemory();
      return new LentBody(audio.chunks(memory, bytes), memory);
    };
    return sendBytes(request, reply, { sizeBytes: byteLength, contentType, etag, fileName, isAttachment, read });
  }
  reply
    .type(contentType)
    .header("etag", etag)
    .header("cache-control", "private, no-cache")
    .header("accept-ranges", "none")
    .header("content-disposition", `${isAttachment ? "attachment" : "inline"}; filename="${fileName}"`);
  if (matchesAny(request.headers["if-none-match"], etag)) return reply.status(304).send();
  return request.method === "HEAD" ? reply.send(Readable.from([])) : reply.send(audio.read());
}

/** What a range is, as headers. */
export function describeRange(facts: RangeFacts): Readonly<Record<string, string | number>> {
  return {
    "eet-from": formatExactTime(facts.fromMs),
    "eet-to": formatExactTime(facts.toMs),
    "eet-sample-rate": facts.sampleRateHz,
    "eet-channels": facts.channels,
    "eet-stream": facts.streamId,
    "eet-sessions": facts.sessions.slice(0, maxGapsInHeader).join(" "),
    "eet-gap-count": facts.gapCount,
    "eet-gap-samples": facts.gapSampleCount,
    "eet-overlap": facts.overlap ?? "none",
  };
}

function describeAudio(facts: AudioFacts): Readonly<Record<string, string | number>> {
  const gaps = facts.gaps.slice(0, maxGapsInHeader).map(({ startMs, durationMs, cause, fromSample, sampleCount }) => {
    return `${formatExactTime(startMs)}/${durationMs / 1000}/${cause}/${fromSample}/${sampleCount}`;
  });
  return { ...describeRange(facts), "eet-samples": facts.sampleCount, "eet-gaps": gaps.join(", ") || "none" };
}
