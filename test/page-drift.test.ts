import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { formatFrame, formatHandshake, type StreamFormat } from "@eet/protocol";
import { WebSocket } from "ws";
import { noBrowser, openBrowser } from "./support/browser.ts";
import { ForwardClock, OpenServer } from "./support/open-server.ts";
import { PageSession } from "./support/page-session.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

const format: StreamFormat = { codec: "pcm16", sampleRateHz: 16_000, channels: 1, frameSampleCount: 3_200 };
const frameMs = 200;
/** So much faster than it declares the device samples. */
const ppm = 600;
/** The first segment that ends after a minute is the first to know of it. */
const rotateS = 10;
const segmentCount = 7;

/** A device whose clock is off: what it sends arrives when the server's clock, put forward, says that it is due. */
async function receive(
  server: OpenServer,
  { clock, forward }: { clock: ForwardClock["clock"]; forward: (ms: number) => void },
) {
  const socket = new WebSocket(`${server.url}/runaway`, { perMessageDeflate: false });
  await once(socket, "open");
  socket.send(formatHandshake({ streamId: 1, format, timestampMs: BigInt(clock.wallMs()) }));
  const startMs = clock.monotonicMs();
  const silence = new Uint8Array(format.frameSampleCount * 2);
  for (let seq = 0; seq <= (segmentCount * rotateS * 1000) / frameMs; seq += 1) {
    const dueMs = startMs + (seq * frameMs) / (1 + ppm / 1e6);
    forward(Math.max(0, dueMs - clock.monotonicMs()));
    socket.send(formatFrame(format.codec, seq, silence));
    // Answered behind the frame: it has come.
    socket.ping();
    await once(socket, "pong");
  }
  await server.closedSegments(segmentCount);
  return socket;
}

describe("a device whose clock is off", { skip: noBrowser }, () => {
  it("is shown with its drift, and warned of", async () => {
    await using folder = await makeTemporaryFolder();
    const time = new ForwardClock();
    const flags = { "rotate-s": String(rotateS), "max-control-frames-per-s": "100000" };
    await using server = await OpenServer.open(folder.path, flags, time.clock);
    const socket = await receive(server, { clock: time.clock, forward: (ms) => time.forward(ms) });
    assert.ok(server.lines.some(({ msg }) => msg === "declared sample rate looks wrong"));

    await using browser = await openBrowser();
    await using session = await PageSession.open(browser, `http://127.0.0.1:${server.port}`);
    const { page } = session;
    const onTile = page.locator(".device-item .is-remarkable");
    assertNear(await onTile.textContent());
    await page.locator(".device-item").click();
    const fact = page.locator("dt", { hasText: /^Drift$/ }).locator("xpath=following-sibling::dd[1]");
    assertNear(await fact.textContent());
    assert.deepEqual(session.faults, []);
    socket.close();
    await once(socket, "close");
  });
});

function assertNear(text: string | null): void {
  const shown = /^\+(\d+) ppm$/.exec(text ?? "");
  assert.ok(shown !== null && Math.abs(Number(shown[1]) - ppm) <= 50, `"${text}" is not about +${ppm} ppm`);
}
