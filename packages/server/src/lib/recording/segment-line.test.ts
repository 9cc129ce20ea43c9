import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import {
  pcmFormat,
  pcmFrame,
  pcmFrameBytes,
  RecordingBench,
  startWallMs,
  systemError,
} from "./recording.test-support.ts";
import { Rotation } from "./rotation.ts";
import { Session } from "./session.ts";

let bench: RecordingBench;
let failures: Error[];
let session: Session;

beforeEach(async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  bench = await RecordingBench.open();
  failures = [];
  const start = { startMs: startWallMs, rule: "device-synced", deviceMs: startWallMs, serverMs: startWallMs } as const;
  session = new Session(
    {
      ...{ session: "s0", hwid: "mic", streamId: 7, format: pcmFormat, profile: {}, isAcked: false },
      start: { ...start, warning: null },
    },
    new Rotation(pcmFormat, { rotateS: 0.2 }),
    bench.context,
    { onReleased: () => {}, onProgress: () => {}, onFailed: (error) => failures.push(error) },
  );
});

afterEach(async () => {
  mock.timers.reset();
  await bench.close();
});

/** Feeds frames of 20 ms: two and a half segments. */
function feed(): void {
  for (let seq = 0; seq < 25; seq++) session.accept(pcmFrame(seq), seq, 80);
}

async function flush(): Promise<void> {
  bench.clock.advance(1_000);
  await bench.settle();
}

describe("SegmentLine", () => {
  it("brings its segments to disk one after the other, so that none is whole behind one that is torn [P-2.7]", async () => {
    bench.fault = ({ kind, name }) => (kind === "write" && name.endsWith("-0") ? systemError("ENOSPC") : undefined);
    feed();
    await flush();
    const touched = () => new Set(bench.operations.entries.map(({ name }) => name.at(-1)));
    assert.deepEqual(touched(), new Set(["0"]));
    bench.fault = () => undefined;
    bench.clock.advance(500);
    await session.end();
    const kinds = bench.operations.entries.filter(({ kind }) => kind === "open" || kind === "close");
    assert.deepEqual(
      kinds.map(({ kind, name }) => `${kind} ${name.at(-1)}`),
      ["open 0", "close 0", "open 1", "close 1", "open 2", "close 2"],
    );
    const frames = Array.from({ length: 25 }, (_, seq) => pcmFrame(seq));
    assert.ok((await bench.readSession("s0")).equals(Buffer.concat(frames)));
  });

  it("lets go of all that waits behind a file that is given up", async () => {
    bench.fault = ({ kind }) => (kind === "write" ? systemError("EIO") : undefined);
    feed();
    for (let count = 0; count < 205 && failures.length === 0; count++) await flush();
    assert.equal(failures.length, 1);
    assert.equal(session.waitingBytes, 0);
    const gaveUp = bench.events.entries.filter((event) => event.type === "storage.gave-up");
    assert.deepEqual(
      gaveUp.map(({ unsyncedBytes }) => unsyncedBytes),
      [25 * pcmFrameBytes],
    );
    await session.end();
  });
});
