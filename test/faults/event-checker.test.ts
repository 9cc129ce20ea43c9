import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type EventEvidence, judgeEvents } from "../support/event-checker.ts";
import { EventWitness, type TestifiedEvent } from "../support/event-witness.ts";
import { readSegments } from "../support/recordings.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

const session = "abc";
const name = "stream_1_mic_20260101_000000_abc-0";
const files = ["bin", "wav", "json"] as const;
const sidecar = JSON.stringify({ name, session, index: 0, hwid: "mic", gaps: [] });
const facts = { bytes: sidecar.length, sha256: createHash("sha256").update(sidecar).digest("hex") };

function event(id: number, type: string, data: TestifiedEvent["data"] = {}): TestifiedEvent {
  return { id, type, time: "2026-01-01T00:00:00.000Z", hwid: "mic", data: { session, ...data } };
}

const started = event(10, "session.started");
const closed = event(11, "segment.closed", {
  ...{ name, folder: "mic", index: 0 },
  files: { bin: facts, wav: facts, json: facts },
});
const ended = event(12, "session.ended");
const whole = [started, closed, ended];

const webhookOf = (told: TestifiedEvent) => ({ id: `evt_${told.id}`, event: told });

/** What the checkers say of one segment on disk, of what its receiver got and of what the log holds. */
async function judge(
  log: readonly TestifiedEvent[],
  see: (witness: EventWitness) => void = (witness) => takeAll(witness, log),
  change: (path: string) => Promise<unknown> = async () => {},
): Promise<readonly string[]> {
  await using folder = await makeTemporaryFolder();
  const received = folder.path;
  await mkdir(join(received, "mic"));
  for (const ending of files) await writeFile(join(received, "mic", `${name}.${ending}`), sidecar);
  await change(join(received, "mic", name));
  const witness = new EventWitness(received);
  see(witness);
  const segments = await readSegments(received);
  const evidence: EventEvidence = { log, segments, catalogued: [name], witness, received, isEnded: true };
  return [...witness.faults, ...judgeEvents(evidence)];
}

function takeAll(witness: EventWitness, events: readonly TestifiedEvent[]): void {
  for (const told of events) {
    witness.see(webhookOf(told));
    witness.take(told.id);
  }
}

async function assertBlamed(pattern: RegExp, ...evidence: Parameters<typeof judge>): Promise<void> {
  assert.match((await judge(...evidence)).join("\n"), pattern);
}

describe("EventWitness", () => {
  it("has nothing against all in order, nor against the newest once more after a kill", async () => {
    const faults = await judge(whole, (witness) => {
      takeAll(witness, whole.slice(0, 2));
      witness.beginLife();
      takeAll(witness, whole.slice(1));
    });
    assert.deepEqual(faults, []);
  });

  it("blames an event that comes before its files are final, or with others", async () => {
    for (const ending of files) {
      await assertBlamed(/comes when .* is not there/, whole, undefined, (path) => rm(`${path}.${ending}`));
    }
    const spoil = (path: string) => writeFile(`${path}.wav`, sidecar.replace("abc", "abd"));
    await assertBlamed(/comes when .* holds other bytes/, whole, undefined, spoil);
  });

  it("blames what comes out of order, before the one before is taken, or again without a kill", async () => {
    await assertBlamed(/comes behind 11/, whole, (witness) => takeAll(witness, [closed, started, ended]));
    await assertBlamed(/comes before 10 is taken/, whole, (witness) => {
      for (const told of whole) witness.see(webhookOf(told));
    });
    await assertBlamed(/comes again to one/, whole, (witness) => takeAll(witness, [...whole, ended]));
  });

  it("blames an id that comes with another event or another webhook-id", async () => {
    const other = event(12, "session.resumed");
    await assertBlamed(/was \{"id":12/, whole, (witness) => takeAll(witness, [...whole, other]));
    await assertBlamed(/comes as evt_x/, whole, (witness) => {
      takeAll(witness, whole);
      witness.see({ id: "evt_x", event: ended });
    });
  });
});

describe("judgeEvents", () => {
  it("blames what is missing, comes twice, or tells of nothing", async () => {
    await assertBlamed(/has no segment.closed/, [started, ended]);
    await assertBlamed(/has 2 segment.closed/, [started, closed, { ...closed, id: 12 }, { ...ended, id: 13 }]);
    await assertBlamed(/has 0 session.started/, [closed, ended]);
    await assertBlamed(/has 2 session.started/, [{ ...started, id: 9 }, ...whole]);
    await assertBlamed(/has not ended/, [started, closed]);
    await assertBlamed(/which does not exist/, [...whole, event(13, "segment.closed", { name: "x", files: {} })]);
    await assertBlamed(/does not follow/, [started, { ...closed, id: 10 }, ended]);
  });

  it("blames what was not delivered, and what was delivered and is not in the log", async () => {
    await assertBlamed(/session.ended 12 was not delivered/, whole, (witness) => takeAll(witness, whole.slice(0, 2)));
    const extra = event(13, "session.resumed");
    await assertBlamed(/was delivered, the log has undefined/, whole, (w) => takeAll(w, [...whole, extra]));
  });
});
