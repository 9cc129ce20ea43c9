import { connectionsForFdLimit, readFdLimit, socketsForFdLimit } from "../storage/fd-limit-store.ts";
import { type Finding, warning, well } from "./finding.ts";

/** Fewer devices than most fleets have. */
const fewConnections = 1_000;
/** The default: who has not set it wants no more than there is. */
const usualMaxSockets = 1_000;

/** Of the server's settings. */
export interface WantedConnections {
  /** Devices; 0: as many as the limit carries. */
  readonly maxConnections: number;
  /** Connections besides those of devices. */
  readonly maxSockets: number;
}

/** Says how many devices the limit of open files carries, and whether the other limits of connections fit it. */
export function checkOpenFiles(
  { maxConnections: wanted, maxSockets }: WantedConnections,
  limit: number | undefined = readFdLimit(),
): Finding {
  if (limit === undefined) return well("open files", "the system does not tell its limit");
  const carried = connectionsForFdLimit(limit);
  const message = `the limit is ${limit}, which carries ${carried} devices`;
  const fix = "Raise it: `ulimit -n 65536`, LimitNOFILE= of systemd, or `ulimits` of a container.";
  if (wanted > carried) return warning("open files", `${message}, fewer than Server:MaxConnections (${wanted})`, fix);
  const sockets = socketsForFdLimit(limit);
  if (maxSockets > Math.max(sockets, usualMaxSockets)) {
    return warning("open files", `${message} and ${sockets} others, fewer than Server:MaxSockets (${maxSockets})`, fix);
  }
  if (wanted === 0 && carried < fewConnections) return warning("open files", message, fix);
  return well("open files", message);
}
