import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import Database from "better-sqlite3";
import { DeviceFleet, fleetPayload } from "../support/device-fleet.ts";
import { faultRounds, faultSeed } from "../support/fault-seed.ts";
import { findFaults, findLeftovers, listFiles, readSegments, splitFrames } from "../support/recordings.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { ServerProcess } from "../support/server-process.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

/** Servers that are killed side by side, each on one folder after the other. */
const laneCount = 2;
const foldersPerLane = 3;
/** Kills in one folder, which grows from round to round, and is looked at whole each time. */
const roundCount = faultRounds(5);
const deviceCount = 20;
/** Longest time in turns of the fleet that a server lives: two and a half segments of 1 s. */
const maxTickCount = 125;
/** How often the server is killed once more while it recovers. */
const recoveryKillShare = 0.25;

/** What was found over all rounds. */
const totals = {
  sentFrames: 0,
  keptFrames: 0,
  tornFiles: 0,
  lostEnds: 0,
  openSegments: 0,
  halfFinished: 0,
  recoveryMs: 0,
};

/** Place of a file among its device's: the session's segments count up. */
function segmentIndex(path: string): number {
  return Number(/-(\d+)\.bin(?:\.part)?$/.exec(path)?.[1]);
}

/** The whole frames of one device, as bytes in the order of its segments. */
async function readFrames(received: string, hwid: string): Promise<Buffer> {
  const folder = join(received, hwid);
  const names = (await listFiles(folder)).filter((name) => /\.bin(?:\.part)?$/.test(name));
  names.sort((a, b) => segmentIndex(a) - segmentIndex(b));
  assert.equal(new Set(names.map(segmentIndex)).size, names.length, `${hwid}: two files of one segment: ${names}`);
  const pieces: Buffer[] = [];
  for (const name of names) {
    const bytes = await readFile(join(folder, name));
    const frames = splitFrames(bytes);
    const wholeBytes = frames.reduce((sum, { payload }) => sum + 12 + payload.length, 0);
    if (wholeBytes < bytes.length) totals.tornFiles += 1;
    pieces.push(bytes.subarray(0, wholeBytes));
  }
  return Buffer.concat(pieces);
}

/**
 * Frames must be those that were sent, each once, in order. The kill may have cost the end of a segment whose successor
 * had begun already: the two are written side by side.
 */
function assertAsSent(hwid: string, bytes: Buffer): void {
  let nextSeq = 0;
  for (const { seq, payload } of splitFrames(bytes)) {
    assert.ok(seq >= nextSeq, `${hwid}: seq ${seq} comes where ${nextSeq} or more is due`);
    assert.ok(payload.equals(fleetPayload(hwid, seq)), `${hwid}: payload of seq ${seq}`);
    if (seq > nextSeq) totals.lostEnds += 1;
    nextSeq = seq + 1;
    totals.keptFrames += 1;
  }
}

async function countWreckage(received: string): Promise<void> {
  const leftovers = await findLeftovers(received);
  totals.openSegments += leftovers.filter((name) => name.endsWith(".open.json")).length;
  totals.halfFinished += leftovers.filter((name) => /\.(?:wav|json)\.part$/.test(name)).length;
}

/** The catalogue must know the segments that are on disk, none of which lost a frame inside. */
async function checkCatalog(folder: string): Promise<void> {
  const database = new Database(`${folder}/data/catalog.db`, { readonly: true });
  const rows = database.prepare<[], { name: string }>("SELECT name FROM segments ORDER BY name").all();
  database.close();
  const segments = await readSegments(`${folder}/data/received`);
  assert.deepEqual(
    rows.map(({ name }) => name),
    segments.map(({ sidecar }) => sidecar.name).sort(),
    "the catalogue has a row for each segment",
  );
  assert.deepEqual(
    segments.filter(({ sidecar }) => sidecar.gaps.length > 0).map(({ sidecar }) => sidecar.name),
    [],
    "segments with a gap inside",
  );
}

/** A server that has recovered, on the folder that a killed one has left. */
async function restart(folder: string, random: () => number): Promise<ServerProcess> {
  const start = () =>
    ServerProcess.start({
      folder,
      flags: ["--rotate-s", "1", "--finish-workers", "2"],
      environment: { NODE_COMPILE_CACHE: join(folder, "compiled") },
    });
  if (random() < recoveryKillShare) {
    const recovering = await start();
    const closedCount = Math.floor(random() * deviceCount);
    // Killed as soon as so many segments are through; recovery itself may be at its end then.
    for (let count = 0; count < closedCount; count++) {
      const line = await Promise.race([
        recovering.nextLine(({ msg }) => msg === "segment closed"),
        recovering.recovered(),
      ]);
      if (line.msg === "recovery done") break;
    }
    await recovering.kill();
  }
  const server = await start();
  const startMs = performance.now();
  await server.recovered();
  totals.recoveryMs += performance.now() - startMs;
  return server;
}

/** Kills one server after the other. */
async function runLane(laneSeed: number): Promise<void> {
  const random = seededRandom(laneSeed);
  for (let folder = 0; folder < foldersPerLane; folder++) {
    await runFolder(random, `FAULT_SEED=${faultSeed}, lane ${laneSeed - faultSeed}, folder ${folder}`);
  }
}

/** Kills one server after the other, all on the same folder. */
async function runFolder(random: () => number, whereFolder: string): Promise<void> {
  await using folder = await makeTemporaryFolder();
  const received = `${folder.path}/data/received`;
  let server = await restart(folder.path, random);
  try {
    for (let round = 0; round < roundCount; round++) {
      const where = `${whereFolder}, round ${round}`;
      await using fleet = await DeviceFleet.open(server.url, `round${round}`, deviceCount);
      await fleet.ticked(1 + Math.floor(random() * maxTickCount));
      await server.kill();
      await fleet.ended();
      totals.sentFrames += fleet.frameCount;
      assert.deepEqual(server.problems, [], `${where}: warnings while recording`);

      await countWreckage(received);
      const written = new Map<string, Buffer>();
      for (const hwid of fleet.hwids) written.set(hwid, await readFrames(received, hwid));

      server = await restart(folder.path, random);
      assert.deepEqual(server.problems, [], `${where}: warnings while recovering`);
      assert.deepEqual(await findLeftovers(received), [], `${where}: files of open segments`);
      for (const [hwid, bytes] of written) {
        assert.ok((await readFrames(received, hwid)).equals(bytes), `${where}: frames of ${hwid}`);
        assertAsSent(hwid, bytes);
        assert.deepEqual(await findFaults(join(received, hwid)), [], where);
      }
      await checkCatalog(folder.path);
    }
    assert.equal(await server.stop(), 0, server.errors);
    assert.deepEqual(await findFaults(received), [], "all rounds together");
  } finally {
    await server.kill();
  }
}

const killCount = laneCount * foldersPerLane * roundCount;

describe("a server killed under 20 streams", () => {
  it(`closes every frame that was written when it starts again, ${killCount} times [S-3.1]`, async (t) => {
    t.diagnostic(`FAULT_SEED=${faultSeed}`);
    await Promise.all(Array.from({ length: laneCount }, (_, lane) => runLane(faultSeed + lane)));
    const { keptFrames, sentFrames, recoveryMs, ...wreckage } = totals;
    t.diagnostic(
      `${keptFrames} of ${sentFrames} sent frames were on disk; left by the kills: ${JSON.stringify(wreckage)}`,
    );
    t.diagnostic(`recovery took ${Math.round(recoveryMs / killCount)} ms on average after the start`);
  });
});
