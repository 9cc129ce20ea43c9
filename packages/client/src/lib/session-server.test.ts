import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { findFaults, findLeftovers, readSegments, splitFrames } from "../../../../test/support/recordings.ts";
import { ServerProcess } from "../../../../test/support/server-process.ts";
import { makeTemporaryFolder } from "../../../../test/support/temporary-folder.ts";
import { createSession } from "./node-session.ts";
import { PcmEncoder } from "./pcm-encoder.ts";
import { StateWatch } from "./session-events.test-support.ts";

const format = { codec: "adpcm", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 } as const;
const flags = ["--rotate-s", "1", "--flush-ms", "50", "--ack-ms", "50"];
const totalSampleCount = 320 * 150 + 100;

/** A sweep: no two frames are alike. */
const samples = Int16Array.from({ length: totalSampleCount }, (_, index) => 12_000 * Math.sin(index * index * 1e-6));

/** The frames that are made of it. */
function expectedFrames() {
  const encoder = new PcmEncoder(format, "low");
  encoder.push(samples);
  return Array.from({ length: 151 }, (_, seq) => ({ seq, payload: Buffer.from(encoder.rest()?.payload ?? []) }));
}

describe("createSession with a real server", () => {
  it("has every frame on its disk once, though the server is stopped and killed meanwhile [P-2]", async () => {
    await using folder = await makeTemporaryFolder();
    await using first = await ServerProcess.start({ folder: folder.path, flags });
    const watch = new StateWatch();
    const session = createSession({
      url: first.url,
      hwid: "sweep",
      format,
      random: () => 0.1,
      onState: watch.onState,
      onProgress: watch.onProgress,
    });
    const third = Math.floor(samples.length / 3);
    session.write(samples.subarray(0, third));
    await watch.until(() => session.progress.durable.frameCount >= 50);
    assert.equal(await first.stop(), 0, first.errors);

    const portFlags = [...flags, "--port", String(first.port)];
    await using second = await ServerProcess.start({ folder: folder.path, flags: portFlags });
    session.write(samples.subarray(third, 2 * third));
    await watch.until(() => session.progress.durable.frameCount > 60);
    session.write(samples.subarray(2 * third));
    await second.kill();

    await using last = await ServerProcess.start({ folder: folder.path, flags: portFlags });
    const result = await session.finish();
    assert.deepEqual([result.kind, result.unacknowledgedFrameCount], ["complete", 0]);
    assert.equal(session.progress.durable.sampleCount, totalSampleCount);
    assert.equal(await last.stop(), 0, last.errors);
    const received = join(folder.path, "data/received");
    assert.deepEqual([await findLeftovers(received), await findFaults(received)], [[], []]);
    const segments = await readSegments(received);
    assert.deepEqual(new Set(segments.map(({ sidecar }) => sidecar.session)).size, 1, "one session, resumed");
    const frames = await Promise.all(segments.map(async ({ path }) => splitFrames(await readFile(`${path}.bin`))));
    assert.deepEqual(frames.flat(), expectedFrames());
  });
});
