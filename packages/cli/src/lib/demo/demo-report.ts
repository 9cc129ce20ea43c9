import type { FinishedSegment, SegmentVerdict } from "@eet/server";
import { demoDevices } from "./demo-devices.ts";

const meterWidth = 12;
/** The meter's left end. */
const floorDbfs = -48;
const columnWidths: readonly number[] = [10, 10, 8, 13, meterWidth + 11];

/** What the demo says first. */
export function formatIntroduction(url: string, folder: string): string {
  const devices = demoDevices.map(({ hwid, description }) => `  ${hwid.padEnd(10)}${description}`);
  return [
    `A server listens on ${url}/{hwid}. Simulated devices stream to it in real time:`,
    "",
    ...devices,
    "",
    `See and hear them: ${demoPage(url)}`,
    `Every 5 seconds of audio become a raw file (.bin), a WAV and a sidecar (.json) in ${folder}.`,
    "",
    "",
  ].join("\n");
}

/** Where the page of a server is. @param url - of its endpoint for devices */
export function demoPage(url: string): string {
  return new URL("/", url.replace(/^ws/, "http")).href;
}

/** Head of the table of segments. */
export const segmentHead = formatRow("time", "device", "audio", "received as", "level (peak)", "file");

/** One line of the table of segments. */
export function formatSegment({ sidecar, folder }: FinishedSegment): string {
  const { audio, nibble_order: order, samples, time, levels, name } = sidecar;
  const peakDbfs = levels?.peak_dbfs ?? floorDbfs;
  return formatRow(
    new Date(time.end_ms).toISOString().slice(11, 19),
    sidecar.hwid ?? "",
    `${(samples / audio.sample_rate_hz).toFixed(2)} s`,
    order === null ? audio.codec : `${audio.codec}, ${order.order}`,
    `${formatMeter(peakDbfs)} ${formatLevel(peakDbfs).padStart(5)} dB`,
    `${folder}/${name}.wav`,
  );
}

function formatRow(...cells: readonly string[]): string {
  return `${cells.map((cell, column) => cell.padEnd(columnWidths[column] ?? 0)).join("")}\n`;
}

/** Silence has a floor in sidecars. */
function formatLevel(dbfs: number): string {
  return dbfs <= -120 ? "-inf" : dbfs.toFixed(1);
}

function formatMeter(peakDbfs: number): string {
  const filled = Math.round(meterWidth * Math.min(1, Math.max(0, 1 - peakDbfs / floorDbfs)));
  return "#".repeat(filled).padEnd(meterWidth, ".");
}

/**
 * What the demo says last.
 *
 * @param durableS - audio that the server acknowledged to the devices
 */
export function formatSummary(verdicts: readonly SegmentVerdict[], durableS: number, folder: string): string {
  const seconds = verdicts.reduce((sum, { sampleCount, sampleRateHz }) => sum + sampleCount / sampleRateHz, 0);
  const problems = verdicts.flatMap(({ segment, problems }) => problems.map((problem) => `  ${segment}: ${problem}`));
  const verdict =
    problems.length === 0
      ? "verified: every WAV is what its frames decode to, every hash and count is right"
      : `with problems:\n${problems.join("\n")}`;
  return [
    "",
    `${verdicts.length} segments, ${seconds.toFixed(1)} s of audio, ${verdicts.length * 3} files in ${folder}`,
    `delivered: the server acknowledged ${durableS.toFixed(1)} s as being on stable storage`,
    verdict,
    "",
    "Next: `npm start` runs the server for real; point a device at ws://<this machine>:5096/ws/<its id>.",
    "",
  ].join("\n");
}
