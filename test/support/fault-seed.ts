/** Set `FAULT_SEED` to the seed that a failed run printed to have the same faults again, as far as clocks allow. */
export const faultSeed = Number(process.env["FAULT_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

/** Rounds of a suite: `FAULT_ROUNDS` shortens it. */
export function faultRounds(usualCount: number): number {
  return Math.min(usualCount, Number(process.env["FAULT_ROUNDS"] ?? usualCount));
}
