import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it, type TestContext } from "node:test";
import type { ClientOptions } from "ws";
import { LiveViewer } from "../../../../../test/support/live-viewer.ts";
import { noteForwardedAddress } from "../kernel/forwarded-client.ts";
import { LimitTally } from "../kernel/limit-tally.ts";
import { framesOf, LiveBench, pcmFormat, recordOf } from "./live-bench.test-support.ts";
import { liveLimits } from "./live-messages.ts";
import { WsLiveEndpoint, type WsLiveEndpointOptions } from "./ws-live-endpoint.ts";

/** A running endpoint, whose heart beats when the test says so. */
async function startEndpoint(t: TestContext, options: Partial<WsLiveEndpointOptions> = {}) {
  const bench = new LiveBench();
  const endpoint = new WsLiveEndpoint({ ...bench, heartbeatMs: 3_600_000, ...options });
  const server = createServer();
  server.on("upgrade", (request, socket, head) => {
    // As a trusted proxy says.
    const address = request.headers["x-forwarded-for"];
    if (typeof address === "string") noteForwardedAddress(request, address);
    endpoint.handleUpgrade(request, socket, head);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(async () => {
    await endpoint.stop();
    server.close();
    await once(server, "close");
  });
  const { port } = server.address() as AddressInfo;
  return { bench, endpoint, open: (client: ClientOptions = {}) => LiveViewer.open(port, client) };
}

/** An upgrade request from an address. */
function requestOf(remoteAddress: string): IncomingMessage {
  return { socket: { remoteAddress } } as IncomingMessage;
}

describe("WsLiveEndpoint", () => {
  it("names its bounds when it has as many viewers as it may, or stops", async (t) => {
    const { endpoint, open } = await startEndpoint(t, { maxViewerCount: 2 });
    const [first] = [await open(), await open()];
    const { code, message } = endpoint.refusalReason(requestOf("192.0.2.7")) ?? {};
    assert.deepEqual([code, message], ["VIEWER_LIMIT", "2 of 2 viewers are connected"]);
    await first[Symbol.asyncDispose]();
    while (endpoint.viewerCount > 1) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(endpoint.refusalReason(requestOf("192.0.2.7")), undefined);
    await endpoint.stop();
    assert.equal(endpoint.refusalReason(requestOf("192.0.2.7"))?.code, "SHUTTING_DOWN");
  });

  it("lets one address have a part of the places only, but for this machine", async (t) => {
    const { endpoint, open } = await startEndpoint(t, { maxViewerCount: 3, maxPerAddress: 1 });
    const ofOther = requestOf("192.0.2.7");
    const viewer = await open({ headers: { "x-forwarded-for": "192.0.2.7" } });
    assert.equal(endpoint.refusalReason(ofOther)?.code, "VIEWER_ADDRESS_LIMIT");
    assert.equal(endpoint.refusalReason(requestOf("192.0.2.8")), undefined);
    assert.equal(endpoint.refusalReason(requestOf("127.0.0.1")), undefined);
    await viewer[Symbol.asyncDispose]();
    while (endpoint.viewerCount > 0) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(endpoint.refusalReason(ofOther), undefined);
  });

  it("cuts off a viewer that floods it with PING", async (t) => {
    const tally = new LimitTally();
    const { open } = await startEndpoint(t, { maxControlFramesPerS: 10, tally });
    const { socket } = await open();
    const closed = once(socket, "close");
    for (let count = 0; count <= 100; count += 1) socket.ping();
    assert.equal((await closed)[0], 1006);
    assert.equal(tally.counts["CONTROL_LIMIT"], 1);
  });

  it("tells a viewer that it is there, and drops one that is not", async (t) => {
    const { bench, endpoint, open } = await startEndpoint(t);
    await using alive = await open();
    await using lost = await open({ autoPong: false });
    assert.equal(alive.last("hello")?.heartbeat_ms, 3_600_000);
    for (let beat = 1; beat <= 5; beat += 1) {
      bench.clock.nowMs += 10_000;
      endpoint.beat();
      await alive.until("it beats", () => alive.last("heartbeat")?.server_ms === bench.clock.wallMs());
      await alive.request({ type: "stop", id: 0 });
    }
    assert.equal((await lost.closed).code, 1006);
    assert.equal(endpoint.viewerCount, 1);
  });

  it("keeps little for a viewer that does not read, and tells what it missed", async (t) => {
    const { bench, endpoint, open } = await startEndpoint(t);
    const format = { ...pcmFormat, frameSampleCount: 32_000 };
    bench.hub.takeRecording({ type: "session.opened", session: recordOf(format) });
    await using viewer = await open();
    await viewer.request({ type: "listen", id: 1, hwid: "mic" });
    viewer.socket.pause();
    // 64 MB, handed over in one turn of the loop: the system's buffers take the first few.
    const frames = framesOf(
      format,
      Array.from({ length: 1_000 }, () => new Uint8Array(64_000)),
    );
    bench.show("mic", frames.slice(0, -1));
    viewer.socket.resume();
    endpoint.beat();
    await viewer.until("the heart beats", () => viewer.last("heartbeat") !== undefined);
    const skipped = viewer.last("heartbeat")?.skipped_messages ?? 0;
    assert.equal(viewer.audio.length + skipped, 999);
    assert.equal(endpoint.skippedMessageTotal, skipped);
    assert.ok(viewer.audio.length < 250, `${viewer.audio.length} messages were kept`);
    bench.show("mic", frames.slice(-1));
    await viewer.until("it goes on", () => viewer.audio.at(-1)?.start === 999 * 32_000);
    assert.equal(viewer.audio.at(-1)?.flags, 4);
    assert.equal(viewer.last("heartbeat")?.skipped_frames, 0);
  });

  it("drops a viewer that asks and asks and reads nothing", async (t) => {
    const { endpoint, open } = await startEndpoint(t);
    await using viewer = await open();
    viewer.socket.pause();
    const hwids = Array.from({ length: liveLimits.maxFleetDeviceCount }, (_, index) => `mic-${index}`);
    while (endpoint.viewerCount > 0) {
      viewer.ask({ type: "fleet", id: 1, hwids });
      await new Promise((resolve) => setImmediate(resolve));
    }
    viewer.socket.resume();
    assert.equal((await viewer.closed).code, 1006);
  });

  it("refuses binary messages, and ends connections that send ones that are too large", async (t) => {
    const { open } = await startEndpoint(t);
    await using viewer = await open();
    viewer.socket.send(Buffer.alloc(4));
    await viewer.until("it is refused", () => viewer.last("error") !== undefined);
    assert.match(viewer.last("error")?.detail ?? "", /binary; allowed: JSON/);
    viewer.socket.send("x".repeat(liveLimits.maxRequestBytes + 1));
    assert.equal((await viewer.closed).code, 1009);
  });

  it("gives a subscription's id to another one, of another kind too", async (t) => {
    const { bench, open } = await startEndpoint(t);
    await using viewer = await open();
    await viewer.request({ type: "fleet", id: 1, hwids: ["a", "b"] });
    await viewer.request({ type: "device", id: 1, hwid: "c", spectrum_bins: 512 });
    assert.deepEqual([...bench.taps.keys()], ["c"]);
    await viewer.request({ type: "listen", id: 1, hwid: "~" });
    assert.deepEqual([...bench.taps.keys()], [null]);
    await viewer.request({ type: "stop", id: 1 });
    assert.equal(bench.taps.size, 0);
  });
});
