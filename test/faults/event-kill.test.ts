import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as passed } from "node:timers/promises";
import { AckFleet } from "../support/ack-fleet.ts";
import { compileServer } from "../support/compiled-server.ts";
import { type DeliveryMoment, EventRun, isWell, type ReceiverMood } from "../support/event-run.ts";
import { faultRounds, faultSeed } from "../support/fault-seed.ts";
import { seededRandom } from "../support/seeded-random.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";
import { skipWithout } from "../support/tools.ts";
import { WebhookReceiver } from "../support/webhook-receiver.ts";

type Environment = Readonly<Record<string, string>>;

/** Folders in which servers are killed side by side. */
const laneCount = 2;
const killCount = faultRounds(40);
/** Kills in one data folder, after which all sessions are ended and a new folder is begun. */
const killsPerFolder = 10;
const deviceCount = 8;
/** Devices without acknowledgements, in each folder. */
const plainCount = 2;
/** Several segments of each device at once. */
const burstFrameCount = 150;

/** Moments of kills; where the first one stands is up to the seed, so that few rounds meet all in time. */
const moments = ["any", "burst", "came", "start", "any", "taken", "return"] as const;

/** Calls after which a step is done, each counted in the threads of the server one by one. */
const steps = {
  "a file gets its final name": { calls: "/^rename", stride: 1 },
  "something is synced": { calls: "/^f(data)?sync", stride: 1 },
  "a page goes to the catalogue: a commit, a claim, a mark": {
    calls: "pwrite64",
    stride: 11,
    file: "data/catalog.db-wal",
  },
  "a commit is synced": { calls: "/^f(data)?sync", stride: 1, file: "data/catalog.db-wal" },
  "an .open.json goes": { calls: "/^unlink", stride: 1 },
} as const;
type Step = (typeof steps)[keyof typeof steps];
const placeCount = faultRounds(12);
const hasStrace = skipWithout("strace") === false;
/** What a kill costs is missing ever after, so that not each of them needs a start that only tells. */
const killsPerSettling = 8;
/** Longest wait for deliveries to a receiver in any mood: one that hangs or fails may never get so many. */
const deliveryDeadlineMs = 3_000;
/** Longest wait for a place that is sure to be reached; not long for a slow machine. */
const placeDeadlineMs = 120_000;

/** What was seen over all rounds of a test. */
class Totals {
  kills = 0;
  events = 0;
  segments = 0;
  repeats = 0;
  recovered = 0;

  add(run: EventRun, { log, segments }: Awaited<ReturnType<EventRun["end"]>>): void {
    this.events += log.length;
    this.segments += segments.length;
    this.repeats += run.witness.repeatCount;
    this.recovered += segments.filter(({ sidecar }) => sidecar.recovered).length;
  }
}

/** One mood of several: mostly well, some failures, nothing but failures, some requests without an answer. */
function chooseMood(random: () => number): ReceiverMood {
  const kind = random();
  if (kind < 0.5) return isWell;
  if (kind < 0.7) return () => (random() < 0.1 ? 500 : isWell());
  if (kind < 0.8) return () => 500;
  return () => (random() < 0.05 ? undefined : isWell());
}

/** Waits for the moment of a kill, and kills. */
async function killAt(moment: (typeof moments)[number], run: EventRun, fleet: AckFleet, random: () => number) {
  const server = await run.start();
  run.aim(server);
  if (moment === "came" || moment === "taken") {
    const n = 1 + Math.floor(random() * 40);
    await killAtDelivery(run, server, { moment, n, deadlineMs: deliveryDeadlineMs });
    return;
  }
  if (moment !== "start") {
    const enough = moment === "return" ? 1 : deviceCount;
    const isSo = () => fleet.devices.filter(({ isStreaming }) => isStreaming).length >= enough;
    await fleet.until(`${enough} devices stream`, isSo);
  }
  if (moment === "burst") for (const device of fleet.devices) device.make(burstFrameCount);
  await passed(random() * (moment === "any" ? 800 : 300));
  await server.kill();
}

/** Kills a server when the n-th delivery has come, before or behind the answer. */
async function killAtDelivery(
  run: EventRun,
  server: ServerProcess,
  { moment, n, deadlineMs }: { readonly moment: DeliveryMoment; readonly n: number; readonly deadlineMs: number },
) {
  let count = 0;
  run.onDelivery = (at) => {
    if (at !== moment) return;
    count += 1;
    if (count === n) server.signal("SIGKILL");
  };
  return await killedWithin(server, deadlineMs);
}

interface AnytimeRun {
  readonly number: number;
  /** Kills before those of this folder. */
  readonly firstKill: number;
  readonly count: number;
}

/** Kills at any moment in one folder, with a receiver that is not always well. */
async function killAnytime({ number, firstKill, count }: AnytimeRun, environment: Environment, totals: Totals) {
  const seed = faultSeed + number * 1_000;
  const random = seededRandom(seed);
  const where = `FAULT_SEED=${faultSeed}, folder ${number} of kills at any moment`;
  await using folder = await makeTemporaryFolder();
  await using receiver = await WebhookReceiver.start();
  const habits = { cut: 0.002, skip: 0.002 };
  using fleet = new AckFleet({ name: `any${number}`, deviceCount, seed, fleetNumber: number, habits, tickMs: 20 });
  const common = { folder: folder.path, environment, fleet, plainCount, receiver, where };
  await using run = new EventRun({ ...common, rotateS: 0.5 });
  for (let kill = firstKill; kill < firstKill + count; kill++) {
    run.mood = chooseMood(random);
    const moment = moments[(kill + faultSeed) % moments.length] ?? "any";
    await killAt(moment, run, fleet, random);
    totals.kills += 1;
    await run.mourn(`kill ${kill}, ${moment}`);
  }
  totals.add(run, await run.end(random));
}

/** What kills at any moment, folder by folder. */
function planAnytime(environment: Environment, totals: Totals): readonly (() => Promise<void>)[] {
  return Array.from({ length: Math.ceil(killCount / killsPerFolder) }, (_, number) => {
    const firstKill = number * killsPerFolder;
    const count = Math.min(killsPerFolder, killCount - firstKill);
    return () => killAnytime({ number, firstKill, count }, environment, totals);
  });
}

/** Kills a server at a place that comes again and again, for the n-th time. @returns whether that came in time */
type KillAtPlace = (n: number, run: EventRun) => Promise<boolean>;

/** Kills it when one of its threads begins a call. */
function killAtCall({ calls, stride, ...step }: Step): KillAtPlace {
  return async (n, run) => {
    const server = await run.start();
    // Not the server's launcher: without --seccomp-bpf, which cannot count for signals, a start takes seconds.
    const path = "file" in step ? ["-P", join(run.folder, step.file)] : [];
    const inject = `inject=${calls}:signal=SIGKILL:when=${n * stride}`;
    const options = ["-f", "-p", String(server.pid), "-o", "/dev/null", ...path, "-e", `trace=${calls}`, "-e", inject];
    const strace = spawn("strace", options, { stdio: ["ignore", "ignore", "pipe"] });
    const ended = once(strace, "close");
    await Promise.race([once(strace.stderr, "data"), ended]);
    run.aim(server);
    const isReached = await killedWithin(server, placeDeadlineMs);
    await ended;
    return isReached;
  };
}

/** Kills it before or behind the answer to a delivery: what was on its way may come again, and nothing else. */
function killAtAnswer(moment: DeliveryMoment): KillAtPlace {
  return async (n, run) => {
    const server = await run.start();
    run.aim(server);
    return await killAtDelivery(run, server, { moment, n, deadlineMs: placeDeadlineMs });
  };
}

/** Kills a server that is not killed in time. */
async function killedWithin(server: ServerProcess, deadlineMs: number): Promise<boolean> {
  let isInTime = true;
  const timer = setTimeout(() => {
    isInTime = false;
    server.signal("SIGKILL");
  }, deadlineMs);
  assert.equal(await server.exited, "SIGKILL", server.errors);
  clearTimeout(timer);
  return isInTime;
}

interface PlannedKill {
  readonly name: string;
  /** How often the place has come by then in a life of the server. */
  readonly n: number;
  readonly kill: KillAtPlace;
}

/** Every place for the first time, then for the second. */
function listPlaces(): readonly PlannedKill[] {
  const atCalls = Object.entries(steps).map(([name, step]) => ({ name, kill: killAtCall(step) }));
  const atAnswers = (["came", "taken"] as const).map((moment) => ({ name: moment, kill: killAtAnswer(moment) }));
  const places = hasStrace ? [...atCalls, ...atAnswers] : atAnswers;
  return Array.from({ length: placeCount }, (_, at) => places.map((place) => ({ ...place, n: at + 1 }))).flat();
}

/** What kills at places, folder by folder. */
function planPlaces(environment: Environment, totals: Totals): readonly (() => Promise<void>)[] {
  const kills = listPlaces();
  const folderCount = Math.max(laneCount, Math.ceil(kills.length / killsPerFolder));
  // One thread for files, so that its calls are counted together.
  const counting = { ...environment, UV_THREADPOOL_SIZE: "1" };
  return Array.from({ length: folderCount }, (_, number) => {
    const own = kills.filter((_kill, at) => at % folderCount === number);
    return () => killAtPlaces(number, own, counting, totals);
  });
}

/** Kills in one folder; what there is must be told by a next start that is left alone. */
async function killAtPlaces(number: number, kills: readonly PlannedKill[], environment: Environment, totals: Totals) {
  const seed = faultSeed + number;
  const where = `FAULT_SEED=${faultSeed}, folder ${number}`;
  await using folder = await makeTemporaryFolder();
  await using receiver = await WebhookReceiver.start();
  // Half as fast as sound: what gathers while there is no server must not drown the steps.
  const options = { name: `step${number}`, deviceCount: 3, seed, fleetNumber: 10 + number, tickMs: 40 };
  using fleet = new AckFleet(options);
  const common = { folder: folder.path, environment, fleet, plainCount, receiver, where };
  await using run = new EventRun({ ...common, rotateS: 0.2 });
  for (const [at, { name, n, kill }] of kills.entries()) {
    const when = `${name}, the ${n}th time`;
    assert.ok(await kill(n, run), `${where}: ${when} came`);
    totals.kills += 1;
    await run.mourn(when);
    if ((at + 1) % killsPerSettling === 0) await run.settle(`after ${when}`);
  }
  totals.add(run, await run.end(seededRandom(seed)));
}

/** Some at a time; waits for all. */
async function sideBySide(works: readonly (() => Promise<void>)[]): Promise<void> {
  const waiting = [...works];
  const lanes = Array.from({ length: laneCount }, async () => {
    for (let work = waiting.shift(); work !== undefined; work = waiting.shift()) await work();
  });
  await Promise.allSettled(lanes);
  await Promise.all(lanes);
}

describe("a server killed while it tells of what it records", () => {
  it("loses no event, sends none before its files are final, and repeats at most what was on its way", async (t) => {
    t.diagnostic(`FAULT_SEED=${faultSeed}`);
    if (!hasStrace) t.diagnostic("strace is missing: no kills between two steps");
    await using compiled = await makeTemporaryFolder();
    const environment = await compileServer(compiled.path);
    const totals = new Totals();
    await sideBySide([...planAnytime(environment, totals), ...planPlaces(environment, totals)]);
    t.diagnostic(JSON.stringify(totals));
    assert.equal(totals.kills, killCount + listPlaces().length);
    assert.ok(totals.segments > killCount * deviceCount, `${totals.segments} segments were closed`);
  });
});
