import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Clock, systemClock, type WallMs } from "../kernel/clock.ts";
import { silentLog } from "../kernel/log.ts";
import { type Beginner, Sessions } from "./sessions.ts";

describe("Sessions", () => {
  let folder: string;
  let sessions: Sessions;
  let nowMs = 1_700_000_000_000;
  const clock: Clock = { ...systemClock, wallMs: () => nowMs as WallMs };
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "eet-sessions-"));
    sessions = new Sessions({ path: join(folder, "access.db"), clock, log: silentLog });
  });
  after(async () => {
    sessions.close();
    await rm(folder, { recursive: true });
  });

  const byToken = (tokenId: string): Beginner => ({ tokenId, name: tokenId, role: "viewer" });
  const byPerson = (subject: string): Beginner => ({
    ...{ person: { issuer: "https://login.example", subject, groups: [] }, name: subject, role: "viewer" },
  });
  const begin = (beginner: Beginner, count: number) => Array.from({ length: count }, () => sessions.begin(beginner));
  const goOn = (secrets: readonly string[]) => secrets.map((secret) => sessions.find(secret) !== undefined);

  it("takes the surplus of who has begun more than 20 from them alone, the oldest first", () => {
    const others = [...begin(byToken("a-ann"), 20), ...begin(byPerson("ben"), 20)];
    for (const eager of [byToken("a-eve"), byPerson("eve")]) {
      const first = begin(eager, 5);
      nowMs += 1_000;
      const later = begin(eager, 20);
      assert.ok(goOn(first).every((isThere) => !isThere));
      assert.ok(goOn(later).every((isThere) => isThere));
      // As fast as the clock is coarse: the one that was just begun is never the one that goes.
      for (let count = 0; count < 50; count += 1) assert.ok(sessions.find(sessions.begin(eager)) !== undefined);
    }
    assert.ok(goOn(others).every((isThere) => isThere));
  });
});
