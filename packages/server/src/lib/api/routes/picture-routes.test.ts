import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientRequest, get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, it } from "node:test";
import Fastify, { type FastifyInstance } from "fastify";
import { systemClock } from "../../kernel/clock.ts";
import { silentLog } from "../../kernel/log.ts";
import type { RangePeaks } from "../../playback/range-facts.ts";
import type { PeaksRequest } from "../../playback/range-request.ts";
import type { ApiApp } from "../api-app.ts";
import type { ApiSources } from "../api-sources.ts";
import { sendProblem, toServerError } from "../error-answers.ts";
import { WorkSlots } from "../work-slots.ts";
import { addPictureRoutes, Peaks } from "./picture-routes.ts";

const peaks: RangePeaks = {
  ...{ hwid: "mic", streamId: 1, fromMs: 0, toMs: 1_000, sampleRateHz: 8_000, channels: 1, width: 1, isExact: true },
  ...{ sessions: ["a"], gaps: [], gapCount: 0, gapSampleCount: 0, sources: { local: 1, remote: 0 }, overlap: null },
  columns: [[-1, 1]],
};

/** A drawing that takes as long as the test wants. */
interface Drawing {
  readonly signal: AbortSignal;
  readonly finish: () => void;
}

let app: FastifyInstance;
let slots: WorkSlots;
let begun: Drawing[];
let onBegun: () => void;

function draw({ signal }: PeaksRequest): Promise<RangePeaks> {
  assert.ok(signal !== undefined);
  const { promise, resolve, reject } = Promise.withResolvers<RangePeaks>();
  signal.addEventListener("abort", () => reject(signal.reason));
  begun.push({ signal, finish: () => resolve(peaks) });
  onBegun();
  return promise;
}

beforeEach(async () => {
  begun = [];
  onBegun = () => {};
  const one = () => 1;
  slots = new WorkSlots({
    maxCount: one,
    maxWaitingCount: one,
    code: "PICTURE_LIMIT",
    what: "pictures are being drawn",
  });
  app = Fastify({ forceCloseConnections: true });
  app.setErrorHandler((error, request, reply) => sendProblem(reply, toServerError(error as never, request, silentLog)));
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => JSON.stringify);
  for (const schema of [Peaks]) app.addSchema(schema);
  const reader = { device: async () => ({}) };
  const playback = { peaks: draw };
  const sources = { clock: systemClock, playback, reader } as unknown as ApiSources;
  addPictureRoutes(app as unknown as ApiApp, sources, { pictures: slots });
  await app.listen({ port: 0, host: "127.0.0.1" });
});
afterEach(() => app.close());

/** Asks for a picture, and does not wait for the answer. */
function ask(): ClientRequest {
  const { port } = app.server.address() as AddressInfo;
  const request = get(`http://127.0.0.1:${port}/devices/mic/peaks?from=0&to=1000`);
  request.on("error", () => {});
  return request;
}

async function statusOf(request: ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(request, "response")) as [IncomingMessage];
  response.resume();
  return response;
}

/** The drawing that begins next. */
async function nextDrawing(): Promise<Drawing> {
  const before = begun.length;
  const { promise, resolve } = Promise.withResolvers<void>();
  onBegun = resolve;
  if (begun.length === before) await promise;
  return begun.at(-1) as Drawing;
}

describe("GET /devices/{hwid}/peaks", () => {
  it("stops drawing when the client leaves, and draws for the one that waits", async () => {
    const first = nextDrawing();
    const leaving = ask();
    const drawing = await first;
    const second = nextDrawing();
    const waiting = statusOf(ask());
    leaving.destroy();
    (await second).finish();
    assert.ok(drawing.signal.aborted);
    assert.equal((await waiting).statusCode, 200);
    assert.equal(slots.count, 0);
  });

  it("answers 503 with Retry-After when as many wait as may", async () => {
    const first = nextDrawing();
    const answers = [statusOf(ask())];
    const drawing = await first;
    // Two more: which of them comes first is not known, and the other is refused.
    const [a, b] = [statusOf(ask()), statusOf(ask())];
    const refused = await Promise.race([a, b]);
    assert.deepEqual([refused.statusCode, refused.headers["retry-after"]], [503, "5"]);
    const second = nextDrawing();
    drawing.finish();
    (await second).finish();
    answers.push(a, b);
    const statuses = (await Promise.all(answers)).map(({ statusCode }) => statusCode);
    assert.deepEqual(statuses.toSorted(), [200, 200, 503]);
  });
});
