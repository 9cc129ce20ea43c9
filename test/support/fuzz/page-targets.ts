import assert from "node:assert/strict";
import {
  parseAudio,
  parseDeviceLevels,
  parseFleetLevels,
  parseSpectrum,
} from "../../../packages/dashboard/src/api/live-frames.ts";
import { parseServerFacts } from "../../../packages/dashboard/src/api/server-facts.ts";
import { parseTags } from "../../../packages/dashboard/src/device/device-words.ts";
import { formatRoute, parseRoute } from "../../../packages/dashboard/src/shell/route.ts";
import {
  formatAudio,
  formatDeviceLevels,
  formatFleetLevels,
  formatSpectrum,
} from "../../../packages/server/src/lib/live/binary-messages.ts";
import { attempt, bytesTarget, type FuzzTarget, textTarget } from "./fuzz-target.ts";

const block = {
  ...{ peaks: [0.5, 0.25], powers: [0.1, 0.05], endSample: 8_000, sampleCount: 800, clippedCount: 1 },
  ...{ startSample: 7_200, isAfterGap: true, isAfterSkip: false },
};
const samples = Int16Array.from({ length: 40 }, (_, index) => index * 100);
const columns = [new Uint8Array(16).fill(7), new Uint8Array(16).fill(9)];

const messageTarget = bytesTarget({
  name: "parseFleetLevels, parseDeviceLevels, parseSpectrum, parseAudio: live messages in the page",
  seeds: [
    formatFleetLevels(
      1,
      [0, 1, 2].map((index) => ({ index, block })),
    ),
    formatDeviceLevels(1, block, [0.6, 0.4]),
    formatSpectrum(1, { start: 100, columnSamples: 160, columns }),
    formatAudio(1, {
      ...{ sampleRateHz: 8_000, channels: 2, start: 400, isAfterGap: false, isAfterSkip: true, pieces: [samples] },
    }),
  ],
  maxBytes: 400,
  property: () => {
    const message = formatSpectrum(1, { start: 100, columnSamples: 160, columns });
    assert.deepEqual(parseSpectrum(new DataView(message.buffer as ArrayBuffer)).columns, columns);
    const sound = formatAudio(1, {
      ...{ sampleRateHz: 8_000, channels: 1, start: 0, isAfterGap: false, isAfterSkip: false, pieces: [samples] },
    });
    const { channels } = parseAudio(new DataView(sound.buffer as ArrayBuffer));
    assert.deepEqual(
      channels.map((channel) => Array.from(channel, (value) => Math.round(value * 32_768))),
      [Array.from(samples)],
    );
  },
  check: (bytes) => {
    // As a socket gives it: a buffer of its own.
    const view = new DataView(new Uint8Array(bytes).buffer);
    assert.ok([...parseFleetLevels(view)].length * 8 <= bytes.byteLength);
    const levels = attempt(() => parseDeviceLevels(view), RangeError);
    assert.ok((levels?.channels.length ?? 0) * 6 <= bytes.byteLength);
    const spectrum = attempt(() => parseSpectrum(view), RangeError);
    if (spectrum !== undefined) assert.ok(spectrum.columns.length * spectrum.binCount <= bytes.byteLength);
    const audio = attempt(() => parseAudio(view), RangeError);
    const valueCount = (audio?.channels ?? []).reduce((sum, channel) => sum + channel.length, 0);
    assert.ok(valueCount * 2 <= bytes.byteLength);
  },
});

const metrics =
  "# HELP x y\neet_disk_free_bytes 5\neet_disk_size_bytes 10\neet_disk_headroom_hours +Inf\n" +
  'eet_disk_state{state="hard"} 1\neet_upload_backlog_files 3\n';

const factsTarget = textTarget({
  name: "parseServerFacts: metrics in the page",
  weight: 60,
  seeds: [metrics],
  check: (text) => {
    const facts = parseServerFacts(text);
    assert.ok(["ok", "soft", "hard"].includes(facts.diskState));
  },
});

const routeTarget = textTarget({
  name: "parseRoute, parseTags: addresses and tags in the page",
  seeds: ["/", "/add", "/device/mic-1", "/device/~/archive", "/storage", "a, b,  c d"],
  maxBytes: 200,
  check: (text) => {
    const route = parseRoute(text);
    assert.deepEqual(parseRoute(formatRoute(route)), route);
    const tags = parseTags(text);
    assert.equal(new Set(tags).size, tags.length);
  },
});

/** What the web page reads. */
export const pageTargets: readonly FuzzTarget[] = [messageTarget, factsTarget, routeTarget];
