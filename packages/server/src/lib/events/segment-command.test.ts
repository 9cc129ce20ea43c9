import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { listSecretVariables } from "../config/settings-table.ts";
import { MemoryLog } from "../kernel/memory-log.test-support.ts";
import { segmentVariableNames } from "../kernel/segment-variables.ts";
import type { ServerEvent } from "../kernel/server-event.ts";
import { SegmentCommand, segmentVariables } from "./segment-command.ts";

const event: ServerEvent = {
  id: 12,
  type: "segment.closed",
  time: "2026-01-01T00:00:11.000Z",
  hwid: "mic-1",
  data: {
    segment_id: 3,
    name: "segment-3",
    folder: "mic-1/2026",
    index: 0,
    drift_ppm: null,
    levels: { peak_dbfs: -12.5, rms_dbfs: -30 },
    files: { bin: { bytes: 1 }, wav: null, json: { bytes: 2 } },
    recovered: false,
  },
};

function run(command: string, environment: Readonly<Record<string, string>> = {}) {
  const log = new MemoryLog();
  const options = { command, environment: { PATH: process.env["PATH"], ...environment }, timeoutMs: 5_000, log };
  const secretVariables = listSecretVariables();
  const delivery = { deliveryId: 1, target: "run-on-segment", event, attempts: 0, firstFailedMs: null };
  const running = new SegmentCommand({ ...options, secretVariables, receivedPath: "/received" }).run(
    delivery,
    new AbortController().signal,
  );
  return running.then((outcome) => ({ outcome, log }));
}

describe("segmentVariables", () => {
  it("tells every fact, those that are not known as empty texts", () => {
    const variables = segmentVariables(event, "/received");
    assert.deepEqual(Object.keys(variables), segmentVariableNames);
    assert.equal(variables.EET_BIN, "/received/mic-1/2026/segment-3.bin");
    assert.equal(variables.EET_JSON, "/received/mic-1/2026/segment-3.json");
    assert.deepEqual([variables.EET_WAV, variables.EET_DRIFT_PPM, variables.EET_DC_OFFSET], ["", "", ""]);
    assert.deepEqual([variables.EET_INDEX, variables.EET_PEAK_DBFS, variables.EET_RECOVERED], ["0", "-12.5", "false"]);
    assert.equal(segmentVariables({ ...event, hwid: null }, "/received").EET_HWID, "");
  });
});

describe("SegmentCommand", () => {
  it("takes exit code 0 for success and tells why it failed otherwise", async () => {
    assert.deepEqual((await run('test "$EET_HWID" = mic-1')).outcome, { kind: "delivered" });
    assert.deepEqual((await run("exit 4")).outcome, { kind: "failed", reason: "the command exited with 4" });
    assert.deepEqual((await run("kill -9 $$")).outcome, {
      kind: "failed",
      reason: "the command was ended by SIGKILL",
    });
  });

  it("passes on the server's variables but for its settings, and logs what the command says", async () => {
    const { log } = await run('echo "$HOME_OF $EET_WEBHOOK_SECRET."', {
      HOME_OF: "data",
      EET_WEBHOOK_SECRET: "whsec_hidden",
      eet_port: "1",
    });
    assert.deepEqual(
      log.lines.map(({ fields }) => fields),
      [{ segment: "segment-3", stream: "stdout", line: "data ." }],
    );
  });

  it("keeps the secrets of uploads from the command, whichever provider they are of", async () => {
    const names = [
      "AWS_ACCESS_KEY_ID",
      "AWS_SECRET_ACCESS_KEY",
      "AWS_SESSION_TOKEN",
      "SCW_ACCESS_KEY",
      "SCW_SECRET_KEY",
    ];
    const secrets = Object.fromEntries([...names, "aws_secret_access_key"].map((name) => [name, `hidden-${name}`]));
    const { log } = await run("env", { ...secrets, AWS_REGION: "shown" });
    const told = log.lines.map(({ fields }) => String(fields["line"]));
    assert.ok(told.includes("AWS_REGION=shown"));
    assert.deepEqual(
      told.filter((line) => line.includes("hidden")),
      [],
    );
  });
});
