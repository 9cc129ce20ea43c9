import { join } from "node:path";
import { limits } from "@eet/protocol";
import {
  EetServer,
  type FinishedSegment,
  readSettings,
  type SegmentVerdict,
  StorageError,
  silentLog,
  verifyFolder,
} from "@eet/server";
import packageJson from "../../../package.json" with { type: "json" };
import type { CommandContext } from "../command-context.ts";
import { CommandError, exitCodes } from "../command-error.ts";
import { openBrowserWindow } from "./browser-window.ts";
import { type DemoOutcome, readDemoVoice, streamDemoDevice } from "./demo-device.ts";
import { demoDevices } from "./demo-devices.ts";
import { demoPage, formatIntroduction, formatSegment, formatSummary, segmentHead } from "./demo-report.ts";
import { DeviceNames } from "./device-names.ts";

const rotateS = 5;

export interface DemoOptions {
  /** How long; `undefined`: until Ctrl-C. */
  readonly seconds: number | undefined;
  /** Whether the page is opened in a browser, where a person sees it. */
  readonly opensPage: boolean;
}

/**
 * Runs a server and the simulated devices until they end or are interrupted, then checks what was recorded.
 *
 * @returns the exit code
 */
export async function runDemo({ seconds, opensPage }: DemoOptions, context: CommandContext): Promise<number> {
  const { terminal, interruption } = context;
  const folder = join("data", "demo", formatStamp(new Date()));
  let names: DeviceNames | undefined;
  const server = await openServer(folder, context, ({ sidecar: { hwid } }) => {
    if (hwid !== null) void names?.give(hwid);
  });
  const url = `ws://${server.address.host}:${server.address.port}/ws`;
  const named = new DeviceNames(demoPage(url).replace(/\/$/, ""), demoDevices);
  names = named;
  terminal.out.write(formatIntroduction(url, join(folder, "received")));
  terminal.out.write(seconds === undefined ? "Ctrl-C stops.\n\n" : `It stops by itself after ${seconds} s.\n\n`);
  const length = seconds ?? Number.POSITIVE_INFINITY;
  if (terminal.out.isTty)
    terminal.out.write(`Streaming ... the first segments close in ${Math.min(rotateS, length)} s.\n\n`);
  terminal.out.write(segmentHead);
  if (opensPage && terminal.out.isTty) openBrowserWindow(demoPage(url), context.env);
  const onConnected = ({ hwid }: { readonly hwid: string }) => void named.give(hwid);
  const plan = {
    url,
    token: server.ownDeviceToken,
    seconds: length,
    interruption,
    voice: await readDemoVoice(),
    onConnected,
  };
  const outcomes = await Promise.all(
    demoDevices.map((device, index) => streamDemoDevice(device, index + 1, plan)),
  ).finally(() => server.close());
  const failures = outcomes.flatMap(({ failure, hwid }) => (failure === undefined ? [] : [`${hwid}: ${failure}\n`]));
  for (const failure of failures) terminal.err.write(failure);
  const verdicts = await verifyAll(join(folder, "received"));
  terminal.out.write(formatSummary(verdicts, sumDurable(outcomes), join(folder, "received")));
  const isGood = failures.length === 0 && verdicts.every(({ problems }) => problems.length === 0);
  return isGood ? exitCodes.success : exitCodes.failure;
}

/** Seconds of audio. */
function sumDurable(outcomes: readonly DemoOutcome[]): number {
  return outcomes.reduce((sum, { durableS }) => sum + durableS, 0);
}

/** Such as `20260731-235959`, in UTC: each run records to a folder of its own. */
function formatStamp(date: Date): string {
  return date
    .toISOString()
    .replaceAll(/[-:]|\..*/g, "")
    .replace("T", "-");
}

/** On the port that devices expect; on any other one when that is taken. */
async function openServer(folder: string, context: CommandContext, onSegment: OnSegment): Promise<EetServer> {
  try {
    return await openServerOn(limits.defaultPort, folder, context, onSegment);
  } catch (error) {
    if (error instanceof StorageError) throw new CommandError(`${error.message}. ${error.row.fix}`, { cause: error });
    const isTaken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
    if (!isTaken) throw error;
    context.terminal.err.write(`note: port ${limits.defaultPort} is taken, the demo uses a free one\n`);
    return openServerOn(0, folder, context, onSegment);
  }
}

type OnSegment = (segment: FinishedSegment) => void;

async function openServerOn(
  port: number,
  folder: string,
  { terminal }: CommandContext,
  onSegment: OnSegment,
): Promise<EetServer> {
  // Settings of this folder stay out of it: the demo must neither upload nor write elsewhere.
  const flags = { port: String(port), data: folder, "rotate-s": String(rotateS) };
  const { settings } = await readSettings(join(folder, "no-settings"), { flags, environment: {} });
  return EetServer.open({
    settings,
    log: silentLog,
    version: packageJson.version,
    onSegmentClosed: (segment) => {
      terminal.out.write(formatSegment(segment));
      onSegment(segment);
    },
  });
}

async function verifyAll(folder: string): Promise<SegmentVerdict[]> {
  const verdicts: SegmentVerdict[] = [];
  for await (const verdict of verifyFolder(folder)) verdicts.push(verdict);
  return verdicts;
}
