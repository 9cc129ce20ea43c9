import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FleetView } from "./fleet-view.ts";
import { adpcmFormat, LiveBench, pcmFormat, recordOf } from "./live-bench.test-support.ts";
import type { FleetMessage, LiveMessage } from "./live-messages.ts";

/** A view whose messages are kept. */
function openView(bench: LiveBench, hwids: readonly string[]) {
  const told: LiveMessage[] = [];
  const port = { hasRoom: true, tell: (message: LiveMessage) => told.push(message), show: () => true };
  const view = new FleetView({ type: "fleet", id: 1, hwids }, bench.hub, port);
  const last = () => (told.at(-1) as FleetMessage).devices.map(({ hwid, format }) => [hwid, format?.codec ?? null]);
  return { view, told, last, pass: (ticks: number) => Array.from({ length: ticks }, () => bench.hub.tick()) };
}

describe("FleetView", () => {
  it("tells what is received of each device, before anything of it is catalogued", () => {
    const bench = new LiveBench();
    bench.hub.takeRecording({ type: "session.opened", session: recordOf(adpcmFormat) });
    const { view, told } = openView(bench, ["mic", "away"]);
    const [message] = told;
    assert.deepEqual(message?.type === "fleet" && message.devices.map(({ last_minute_dbfs: _, ...device }) => device), [
      {
        ...{ hwid: "mic", streaming: true, session: "s1", start_ms: 1_700_000_000_000 },
        format: { codec: "adpcm", sample_rate_hz: 16_000, channels: 1 },
      },
      { hwid: "away", streaming: false, format: null, session: null, start_ms: null },
    ]);
    view.close();
  });

  it("tells again of sessions that begin and end, once a second at most", () => {
    const bench = new LiveBench();
    const { view, told, last, pass } = openView(bench, ["mic", "other"]);
    pass(20);
    assert.equal(told.length, 1);
    bench.hub.takeRecording({ type: "session.opened", session: recordOf(pcmFormat) });
    pass(1);
    assert.deepEqual(last(), [
      ["mic", "pcm16"],
      ["other", null],
    ]);
    const other = recordOf(adpcmFormat, { hwid: "other", session: "s2" });
    bench.hub.takeRecording({ type: "session.opened", session: other });
    bench.hub.takeRecording({ type: "session.closed", session: recordOf(pcmFormat), endedMs: 0 });
    pass(9);
    assert.equal(told.length, 2);
    pass(1);
    assert.deepEqual(last(), [
      ["mic", null],
      ["other", "adpcm"],
    ]);
    view.show({ type: "fleet", id: 1, hwids: ["mic"] });
    bench.hub.takeRecording({ type: "session.closed", session: other, endedMs: 0 });
    pass(20);
    assert.equal(told.length, 4, "of a device that is not in the list any more nothing is told");
    view.close();
  });
});
