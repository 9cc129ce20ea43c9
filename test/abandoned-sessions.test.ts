import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DeviceFleet } from "./support/device-fleet.ts";
import { ServerProcess } from "./support/server-process.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

const deviceCount = 2;
const flags = ["--rotate-s", "1"];

interface Ended {
  readonly type: string;
  readonly hwid: string;
  readonly data: { readonly session: string };
}

async function readEndings(server: ServerProcess): Promise<readonly Ended[]> {
  const answer = await fetch(
    `${new URL(server.url.replace("ws:", "http:")).origin}/api/v1/events?types=session.ended&limit=100`,
  );
  assert.equal(answer.status, 200);
  const { events } = (await answer.json()) as { readonly events: readonly Ended[] };
  return events;
}

describe("plain sessions that a kill has cut", () => {
  it("are ended by the next start, and told of once", async () => {
    await using folder = await makeTemporaryFolder();
    const hwids: string[] = [];
    {
      await using server = await ServerProcess.start({ folder: folder.path, flags });
      await using fleet = await DeviceFleet.open(server.url, "mic", deviceCount);
      hwids.push(...fleet.hwids);
      // Some are catalogued, and one of each device is open.
      await fleet.ticked(125);
      await server.kill();
    }
    for (let start = 0; start < 2; start += 1) {
      await using server = await ServerProcess.start({ folder: folder.path, flags });
      await server.line(({ msg }) => msg === "recovery done");
      if (start === 0) await server.line(({ msg }) => msg === "sessions that were left open have ended");
      const endings = await readEndings(server);
      assert.deepEqual(endings.map(({ hwid }) => hwid).sort(), hwids.toSorted());
      assert.equal(await server.stop(), 0);
    }
  });
});
