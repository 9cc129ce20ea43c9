import { formatBytes } from "../format/format-amount.ts";
import { formatAge, formatRoom } from "../format/format-time.ts";

/** How long the disk lasts, in large and in small. */
export interface Headroom {
  /** Such as `312 hours of room`. */
  readonly lead: string;
  /** What it is reckoned from. */
  readonly note: string;
}

const wholeHourS = 3_599;

/** Says how long the disk lasts, or why that is not known. */
export function formatHeadroom(disk: {
  readonly free_bytes: number;
  readonly headroom_hours: number | null;
  readonly bytes_per_hour: number | null;
  readonly rate_known_s: number;
}): Headroom {
  const { free_bytes: free, headroom_hours: hours, bytes_per_hour: rate, rate_known_s: knownS } = disk;
  const known = knownS < wholeHourS ? `the last ${formatAge(knownS * 1000)}` : undefined;
  if (hours !== null && rate !== null && rate > 0) {
    const basis = known === undefined ? "as in the last one" : `judged by ${known}`;
    return { lead: `${formatRoom(hours)} of room`, note: `at ${formatBytes(rate)} an hour, ${basis}` };
  }
  const note =
    rate === null
      ? "how long it lasts is known in a minute"
      : `it does not fill: as much goes as comes, by ${known ?? "the last hour"}`;
  return { lead: `${formatBytes(free)} free`, note };
}
