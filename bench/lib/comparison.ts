import { goals } from "../goals.ts";
import { eetPeer } from "../peers/eet-peer.ts";
import { type Peer, shortcomingOf } from "../peers/peer.ts";
import { pythonPeer } from "../peers/python-peer.ts";
import { naiveWsPeer, nullWsPeer } from "../peers/script-peer.ts";
import type { Scenario } from "../scenarios.ts";
import { type BenchResult, type Figure, summaryOf } from "./figure.ts";
import { cpuPerFrameUs, isSound, lateShare, type Measurement, measure } from "./measurement.ts";
import { titleOf } from "./measurement-figures.ts";
import { whyNotOneCore } from "./one-core.ts";
import { formatMeasurement } from "./report.ts";

/** Of all frames: where more are late, the load cannot send as many on this machine. */
export const mostLateShare = 0.01;

/** All peers, this project's first. */
export const peers: readonly Peer[] = [eetPeer, nullWsPeer, naiveWsPeer, pythonPeer];

/** Runs a peer under a scenario, as far as it can follow it, and prints what came out. */
export async function runPeer(scenario: Scenario, peer: Peer): Promise<Measurement> {
  const followed = peer === eetPeer ? scenario : { ...scenario, ...plainly, hasAcks: scenario.hasAcks && peer.hasAcks };
  const { connectionCount, seconds, codec, frameMs, hasAcks, isOnOneCore } = followed;
  const shortcoming = shortcomingOf(peer);
  console.log(
    `${peer.name}: ${connectionCount} connections, ${seconds} s, ${codec}, ${frameMs} ms${hasAcks ? ", acknowledged" : ""}${shortcoming === "" ? "" : ` (${shortcoming})`}`,
  );
  const why = isOnOneCore ? whyNotOneCore() : undefined;
  if (why !== undefined) console.log(`  ${why}`);
  const measurement = await measure(followed, peer);
  for (const line of formatMeasurement(measurement, followed)) console.log(line);
  if (!isSound(measurement)) console.log("  NOT SOUND: something was lost, dropped or never acknowledged");
  if (lateShare(measurement) > mostLateShare) console.log("  the load was late: what a frame costs here is no fleet's");
  return measurement;
}

/** What no peer can follow. */
const plainly = { isProbed: false, hasUploads: false, watchedCount: 0, slowViewerCount: 0 } as const;

/** What was measured of each peer, round by round. */
export type PeerRounds = ReadonlyMap<Peer, readonly Measurement[]>;

/**
 * Runs peers in turn, forth and back, so that a machine that gets slower or faster meanwhile favours none. Those that
 * cannot run here are left out.
 */
export async function runRounds(scenario: Scenario, chosen: readonly Peer[], roundCount: number): Promise<PeerRounds> {
  const present = chosen.filter((peer) => {
    const reason = peer.missing?.();
    if (reason !== undefined) console.log(`${peer.name} is left out. ${reason}`);
    return reason === undefined;
  });
  const rounds = new Map(present.map((peer): [Peer, Measurement[]] => [peer, []]));
  for (let round = 0; round < roundCount; round += 1) {
    for (const peer of round % 2 === 0 ? present : present.toReversed()) {
      rounds.get(peer)?.push(await runPeer(scenario, peer));
    }
  }
  return rounds;
}

/** Whether every peer had every frame in every round. */
export function areSound(rounds: PeerRounds): boolean {
  return [...rounds.values()].flat().every(isSound);
}

/** A ratio of this server to a peer, round by round: the figure is their median. */
export function ratioTo(rounds: PeerRounds, peer: Peer, of: (measurement: Measurement) => number) {
  const own = rounds.get(eetPeer) ?? [];
  const others = rounds.get(peer) ?? [];
  return summaryOf(own.map((measurement, round) => of(measurement) / of(others[round] ?? measurement)));
}

/**
 * Runs this server and its peers in turn, forth and back, and prints CPU per frame as ratios. Sound when every peer had
 * every frame.
 */
export async function comparePeers(scenario: Scenario, roundCount = 2): Promise<BenchResult> {
  const rounds = await runRounds(scenario, peers, roundCount);
  const figures = costFigures(rounds, scenario);
  console.log("\nCPU per frame, whole process tree, everything derived; the ratio is this server's to the peer's");
  for (const { name, description } of rounds.keys()) console.log(`  ${name.padEnd(10)}${description}`);
  return { figures, isSound: areSound(rounds) };
}

/** What a frame costs each peer, and this server against each other one. */
export function costFigures(rounds: PeerRounds, scenario: Scenario): readonly Figure[] {
  const title = titleOf(scenario);
  return [...rounds].flatMap(([peer, measurements]): Figure[] => {
    const cost = summaryOf(measurements.map((measurement) => cpuPerFrameUs(measurement)));
    const goal = isOfGoal(scenario) ? goalAgainst(peer) : undefined;
    const figure: Figure = { name: `${title}: CPU per frame of ${peer.name}`, ...cost, unit: "us", better: "less" };
    if (peer === eetPeer) return [figure];
    const ratio: Figure = {
      name: `${title}: CPU per frame, eet against ${peer.name}`,
      ...ratioTo(rounds, peer, cpuPerFrameUs),
      unit: "x",
      better: "less",
      ...(goal !== undefined && { goal }),
    };
    return [figure, ratio];
  });
}

/** The goals speak of acknowledged 20 ms ADPCM and of 200 streams and more. */
function isOfGoal({ hasAcks, frameMs, codec, connectionCount }: Scenario): boolean {
  return hasAcks && frameMs === 20 && codec === "adpcm" && connectionCount >= 200;
}

function goalAgainst(peer: Peer): number | undefined {
  if (peer === nullWsPeer) return goals.cpuAgainstNull;
  return peer === naiveWsPeer ? goals.cpuAgainstNaive : undefined;
}

/** What acknowledgements cost, in the order that lets a machine which gets slower or faster meanwhile favour neither. */
export async function compareAcks(scenario: Scenario): Promise<BenchResult> {
  const costsUs = { plain: 0, acked: 0 };
  const p99sMs: number[] = [];
  let isGood = true;
  for (const kind of ["plain", "acked", "acked", "plain"] as const) {
    const measurement = await runPeer({ ...scenario, hasAcks: kind === "acked" }, eetPeer);
    costsUs[kind] += cpuPerFrameUs(measurement) / 2;
    if (kind === "acked") p99sMs.push(measurement.sent.ackLatencies.percentileMs(0.99));
    isGood &&= isSound(measurement);
  }
  const { plain, acked } = costsUs;
  const percent = ((acked / plain - 1) * 100).toFixed(1);
  console.log(`acknowledgements: ${plain.toFixed(2)} us > ${acked.toFixed(2)} us CPU per frame (${percent} %)`);
  const title = titleOf({ ...scenario, hasAcks: true });
  const cost = { value: acked / plain, unit: "x", better: "less", goal: goals.acksAgainstNone } as const;
  const latency = { ...summaryOf(p99sMs), unit: "ms", better: "less", goal: goals.fleetAckP99Ms } as const;
  const figures: Figure[] = [
    { name: `${title}: CPU per frame, with acknowledgements against without`, ...cost },
    { name: `${title}: ack latency p99`, ...latency },
  ];
  return { figures, isSound: isGood };
}
