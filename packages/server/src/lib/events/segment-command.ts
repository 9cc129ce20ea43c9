import { join } from "node:path";
import type { EventDelivery } from "../catalog/delivery-queue.ts";
import type { Log } from "../kernel/log.ts";
import type { SegmentVariableName } from "../kernel/segment-variables.ts";
import type { ServerEvent } from "../kernel/server-event.ts";
import type { DeliveryOutcome } from "./delivery-worker.ts";
import { type CommandEnd, runShellCommand } from "./shell-command.ts";

export interface SegmentCommandOptions {
  /** For the shell. */
  readonly command: string;
  /** Absolute path of `data/received`. */
  readonly receivedPath: string;
  /** Variables of the server; what begins with `EET_`, settings and their secrets, is kept from the command. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Further variables that are kept from it, in upper case. */
  readonly secretVariables: ReadonlySet<string>;
  readonly timeoutMs: number;
  readonly log: Log;
}

/** Runs a command for each closed segment. */
export class SegmentCommand {
  readonly #options: SegmentCommandOptions;
  readonly #environment: Readonly<Record<string, string>>;

  constructor(options: SegmentCommandOptions) {
    this.#options = options;
    this.#environment = inheritable(options);
  }

  /** One run: exit code 0 is success, all else is to be tried again. Never rejects. */
  async run({ event }: EventDelivery, signal: AbortSignal): Promise<DeliveryOutcome> {
    const { command, receivedPath, timeoutMs, log } = this.#options;
    const segment = String(event.data["name"]);
    const end = await runShellCommand({
      command,
      environment: { ...this.#environment, ...segmentVariables(event, receivedPath) },
      timeoutMs,
      signal,
      onLine: (line, stream) => log.info({ segment, stream, line }, "run-on-segment"),
    });
    if (end.kind === "exited" && end.code === 0) return { kind: "delivered" };
    return { kind: "failed", reason: describeEnd(end, timeoutMs) };
  }
}

/** The facts of a `segment.closed` event as variables; what is not known is an empty text. */
export function segmentVariables(
  { id, hwid, data }: ServerEvent,
  receivedPath: string,
): Readonly<Record<SegmentVariableName, string>> {
  const levels = recordOf(data["levels"]);
  const files = recordOf(data["files"]);
  const base = join(receivedPath, textOf(data["folder"]), textOf(data["name"]));
  const pathOf = (kind: "bin" | "wav" | "json") => (files[kind] == null ? "" : `${base}.${kind}`);
  return {
    EET_EVENT_ID: String(id),
    EET_SEGMENT_ID: textOf(data["segment_id"]),
    EET_HWID: hwid ?? "",
    EET_STREAM_ID: textOf(data["stream_id"]),
    EET_SESSION: textOf(data["session"]),
    EET_INDEX: textOf(data["index"]),
    EET_NAME: textOf(data["name"]),
    EET_BIN: pathOf("bin"),
    EET_WAV: pathOf("wav"),
    EET_JSON: pathOf("json"),
    EET_START: textOf(data["start_time"]),
    EET_END: textOf(data["end_time"]),
    EET_START_SAMPLE: textOf(data["start_sample"]),
    EET_SAMPLES: textOf(data["samples"]),
    EET_SAMPLE_RATE_HZ: textOf(data["sample_rate_hz"]),
    EET_CHANNELS: textOf(data["channels"]),
    EET_CODEC: textOf(data["codec"]),
    EET_GAPS: textOf(data["gaps"]),
    EET_GAP_SAMPLES: textOf(data["gap_samples"]),
    EET_DRIFT_PPM: textOf(data["drift_ppm"]),
    EET_PEAK_DBFS: textOf(levels["peak_dbfs"]),
    EET_RMS_DBFS: textOf(levels["rms_dbfs"]),
    EET_CLIPPED_SAMPLES: textOf(levels["clipped_samples"]),
    EET_SILENT_SHARE: textOf(levels["silent_share"]),
    EET_DC_OFFSET: textOf(levels["dc_offset"]),
    EET_CLOSE_REASON: textOf(data["close_reason"]),
    EET_RECOVERED: textOf(data["recovered"]),
  };
}

function inheritable({ environment, secretVariables }: SegmentCommandOptions): Readonly<Record<string, string>> {
  const isKept = (name: string) => /^EET_/i.test(name) || secretVariables.has(name.toUpperCase());
  const entries = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !isKept(entry[0]),
  );
  return Object.fromEntries(entries);
}

function describeEnd(end: CommandEnd, timeoutMs: number): string {
  if (end.kind === "exited") return `the command exited with ${end.code}`;
  if (end.kind === "killed") return `the command was ended by ${end.signal}`;
  if (end.kind === "timed-out") return `the command took longer than ${timeoutMs / 1000} s`;
  if (end.kind === "stopped") return "the server stops";
  return `the command cannot be started: ${end.error.message}`;
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function textOf(value: unknown): string {
  return value === undefined || value === null ? "" : String(value);
}
