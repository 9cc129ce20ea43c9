import { execFile } from "node:child_process";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import type { Clock } from "../kernel/clock.ts";
import { type Finding, warning, well } from "./finding.ts";

const run = promisify(execFile);
const toolTimeoutMs = 2_000;
/** How long the two clocks are watched. */
const watchMs = 500;
/** The wall clock may be slewed by 0.05 % meanwhile; more is a jump. */
const maxDifferenceMs = 20;

/** Whether the system says that its clock is synchronised; `undefined`: it does not say. */
export type AskSynchronised = () => Promise<boolean | undefined>;

/** Asks systemd, which knows of chrony and ntpd too. */
export async function askSystem(): Promise<boolean | undefined> {
  try {
    const { stdout } = await run("timedatectl", ["show", "--property=NTPSynchronized", "--value"], {
      timeout: toolTimeoutMs,
    });
    const answer = stdout.trim();
    return answer === "" ? undefined : answer === "yes";
  } catch {
    return undefined;
  }
}

/**
 * Looks at the wall clock, by which recordings are named and found.
 *
 * @param newestMs - the latest time that something was recorded at; `undefined` when nothing was
 */
export async function checkClock(
  clock: Clock,
  newestMs: number | undefined,
  isSynchronised: AskSynchronised = askSystem,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const start = { wall: clock.wallMs(), monotonic: clock.monotonicMs() };
  const [synchronised] = await Promise.all([isSynchronised(), setTimeout(watchMs)]);
  const jumpMs = clock.wallMs() - start.wall - (clock.monotonicMs() - start.monotonic);
  if (Math.abs(jumpMs) > maxDifferenceMs) {
    const message = `the wall clock jumped by ${Math.round(jumpMs)} ms within ${watchMs} ms`;
    findings.push(warning("clock", message, "Let one service alone set it, slowly (chrony or systemd-timesyncd)."));
  }
  const aheadS = newestMs === undefined ? 0 : (newestMs - clock.wallMs()) / 1000;
  if (aheadS > 1) {
    const message = `the newest recording begins ${Math.round(aheadS)} s from now: the clock was put back, or is wrong`;
    findings.push(warning("clock", message, "Set the clock by NTP; what was recorded keeps its times."));
  }
  if (synchronised === false) {
    const fix = "Start a service that sets it, such as systemd-timesyncd: `timedatectl set-ntp true`.";
    findings.push(warning("clock", "the system says that its clock is not synchronised", fix));
  }
  if (findings.length > 0) return findings;
  const told = synchronised ? "synchronised" : "steady; the system does not tell whether it is synchronised";
  return [well("clock", `${new Date(clock.wallMs()).toISOString()}, ${told}`)];
}
