import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { makeTone, pcmPayloads } from "../../../../../test/support/tone.ts";
import { adpcmFormat, framesOf, LiveBench, pcmFormat, recordOf } from "./live-bench.test-support.ts";

const frames = framesOf(pcmFormat, pcmPayloads(makeTone(440, 16_000, 3_200, 1), 320));

describe("LiveHub", () => {
  it("taps a device once for all who look, until the last one lets go [A-1]", () => {
    const { hub, taps } = new LiveBench();
    const [first, second] = [hub.acquire("mic"), hub.acquire("mic")];
    assert.equal(first, second);
    assert.deepEqual([...taps.keys()], ["mic"]);
    hub.release(first);
    assert.equal(hub.watchedCount, 1);
    hub.release(second);
    hub.release(second);
    assert.deepEqual([taps.size, hub.watchedCount], [0, 0]);
  });

  it("knows the sessions that began before somebody looks, the last one first", () => {
    const { hub } = new LiveBench();
    for (const [session, streamId] of [
      ["a", 5],
      ["b", 3],
      ["c", 5],
    ] as const) {
      hub.takeRecording({ type: "session.opened", session: recordOf(pcmFormat, { session, streamId }) });
    }
    hub.takeRecording({ type: "session.closed", session: recordOf(pcmFormat, { session: "c" }), endedMs: 0 });
    const device = hub.acquire("mic");
    assert.deepEqual(device.streamIds, [3, 5]);
    assert.equal(device.newest(undefined)?.record.session, "b");
    assert.equal(device.newest(5)?.record.session, "a");
    hub.takeRecording({ type: "session.resumed", session: recordOf(pcmFormat, { session: "a", streamId: 5 }) });
    assert.equal(device.newest(undefined)?.record.session, "a");
    assert.equal(device.newest(4), undefined);
    for (const session of ["a", "b"]) {
      hub.takeRecording({ type: "session.closed", session: recordOf(pcmFormat, { session }), endedMs: 0 });
    }
    assert.equal(device.isStreaming, false);
    hub.release(device);
  });

  it("tells the level of a tick, and the loudest of several streams", () => {
    const bench = new LiveBench();
    const { hub } = bench;
    hub.takeRecording({ type: "session.opened", session: recordOf(pcmFormat) });
    hub.takeRecording({ type: "session.opened", session: recordOf(pcmFormat, { session: "s2", streamId: 1 }) });
    const device = hub.acquire("mic");
    bench.show("mic", frames.slice(0, 5));
    bench.show("mic", framesOf(pcmFormat, pcmPayloads(makeTone(440, 16_000, 1_600, 0.1), 320), 320, "s2"));
    hub.tick();
    assert.equal(device.level?.peaks[0], 32_767);
    assert.equal(device.newest(1)?.level?.peaks[0], 3_277);
    assert.equal(device.lastMinuteDbfs.at(-1), -0);
    hub.tick();
    assert.equal(device.level, undefined);
    assert.deepEqual(device.newest(0)?.peakHolds, [32_767]);
    for (let tick = 0; tick < 20; tick += 1) hub.tick();
    assert.deepEqual(device.newest(0)?.peakHolds, [0]);
    hub.release(device);
  });

  it("keeps a frame that cannot be shown to itself, and tells of it once", () => {
    const bench = new LiveBench();
    bench.hub.takeRecording({ type: "session.opened", session: recordOf(adpcmFormat) });
    const device = bench.hub.acquire("mic");
    bench.show("mic", framesOf(adpcmFormat, [Uint8Array.of(1), Uint8Array.of(2)]));
    assert.deepEqual(
      bench.log.lines.map(({ level, fields }) => [level, fields["session"]]),
      [["warn", "s1"]],
    );
    bench.hub.release(device);
  });

  it("goes on when telling a viewer fails", (t) => {
    t.mock.timers.enable({ apis: ["setInterval"] });
    const { hub, log } = new LiveBench();
    let count = 0;
    const faulty = {
      tick: () => {
        count += 1;
        throw new Error("a defect");
      },
    };
    hub.add(faulty);
    t.mock.timers.tick(200);
    assert.equal(count, 2);
    assert.deepEqual(
      log.at("error").map(({ fields }) => fields["error"]),
      ["a defect", "a defect"],
    );
    hub.remove(faulty);
    t.mock.timers.tick(200);
    assert.equal(count, 2);
  });
});
