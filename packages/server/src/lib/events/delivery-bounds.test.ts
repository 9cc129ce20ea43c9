import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { MemoryLog } from "../kernel/memory-log.test-support.ts";
import { DeliveryBounds } from "./delivery-bounds.ts";
import { TestCatalog } from "./open-event-log.test-support.ts";

const hook = { target: "webhook:main", types: ["device.online"] } as const;

describe("DeliveryBounds", () => {
  it("moves the oldest of what is too much to the dead letters, with the reason, and says so", async () => {
    await using store = await TestCatalog.open();
    const queue = store.catalog.deliveries;
    queue.setTargets([hook, { ...hook, target: "webhook:few", hwids: ["mic-1"] }]);
    await store.append(...Array.from({ length: 20 }, (_, at) => `mic-${at % 4}`));
    const log = new MemoryLog();
    const bounds = new DeliveryBounds({ queue, maxPendingCount: 12, log });
    await bounds.enforce();
    await bounds.enforce();
    assert.deepEqual(
      queue.counts().map(({ target, pending, dead }) => [target, pending, dead]),
      [
        ["webhook:few", 5, 0],
        ["webhook:main", 12, 8],
      ],
    );
    const dead = queue.deadLetters({ limit: 99 });
    assert.deepEqual(
      dead.map(({ event }) => event.data["stream_id"]),
      [0, 1, 2, 3, 4, 5, 6, 7],
    );
    assert.match(dead[0]?.reason ?? "", /more than 12 events waited \(Events:DeliveryMaxPending\)/);
    assert.deepEqual(
      log.lines.map(({ level, fields }) => [level, fields["target"], fields["events"]]),
      [["error", "webhook:main", 8]],
    );
  });

  it("leaves the rest to the next run when the catalogue is closed meanwhile", async () => {
    await using store = await TestCatalog.open();
    store.catalog.deliveries.setTargets([hook]);
    await store.append(...Array.from({ length: 1_000 }, () => "a"));
    const log = new MemoryLog();
    const bounds = new DeliveryBounds({ queue: store.catalog.deliveries, maxPendingCount: 100, log });
    const enforced = bounds.enforce();
    await nextTurn();
    bounds.close();
    await store.reopen();
    await enforced;
    await bounds.enforce();
    assert.deepEqual(log.lines, []);
    const [counts] = store.catalog.deliveries.counts();
    assert.ok(counts !== undefined && counts.pending > 100 && counts.pending + counts.dead === 1_000);
  });
});
