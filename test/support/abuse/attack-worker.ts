// Attacks a server from a thread of its own, so that the honest devices' clock is not theirs. A message is an order.
import { readlinkSync } from "node:fs";
import { setPriority } from "node:os";
import { parentPort } from "node:worker_threads";
import { type Answers, Attacker } from "./attacker.ts";
import { type AttackMeans, attacks } from "./attacks.ts";
import { tokenAttacks } from "./token-attacks.ts";

/** What to do. */
export interface AttackOrder extends AttackMeans {
  readonly name: string;
  readonly port: number;
}

/** What came of it. */
export interface AttackReport {
  readonly name: string;
  readonly answers: Answers;
}

// Attackers have machines of their own; here they take no time from the server that their requests do not cost it.
setPriority(Number(readlinkSync("/proc/thread-self").split("/").at(-1)), 10);

parentPort?.on("message", async ({ name, port, ...means }: AttackOrder) => {
  const attacker = new Attacker(port);
  await { ...attacks, ...tokenAttacks }[name]?.(attacker, means);
  await attacker.leave();
  parentPort?.postMessage({ name, answers: attacker.answers } satisfies AttackReport);
});
