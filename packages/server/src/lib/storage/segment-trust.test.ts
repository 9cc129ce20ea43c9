import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { SegmentTrust } from "./segment-trust.ts";

describe("SegmentTrust", () => {
  it("forgets the extents that a sync covers", () => {
    const trust = new SegmentTrust();
    trust.addWritten({ offset: 0, byteCount: 100, crc: 1 });
    trust.addWritten({ offset: 100, byteCount: 50, crc: 2 });
    trust.addSynced(100);
    assert.equal(trust.syncedBytes, 100);
    assert.deepEqual(trust.extents, [{ offset: 100, byteCount: 50, crc: 2 }]);
  });

  it("never goes back", () => {
    const trust = new SegmentTrust();
    trust.addSynced(100);
    trust.addSynced(40);
    trust.addWritten({ offset: 0, byteCount: 100, crc: 1 });
    assert.equal(trust.syncedBytes, 100);
    assert.deepEqual(trust.extents, []);
  });

  it("is rebuilt from its records, told twice even", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 1000 }), { maxLength: 20 });
    fc.assert(
      fc.property(sizes, fc.nat(), (byteCounts, syncAfter) => {
        const trust = new SegmentTrust();
        let offset = 0;
        for (const [index, byteCount] of byteCounts.entries()) {
          trust.addWritten({ offset, byteCount, crc: index });
          offset += byteCount;
          if (index === syncAfter % byteCounts.length) trust.addSynced(offset);
        }
        const twin = new SegmentTrust();
        for (const record of trust.records(1)) {
          if (record.kind === "synced") twin.addSynced(record.offset);
          else twin.addWritten({ offset: record.offset, byteCount: record.byteCount, crc: record.crc });
        }
        assert.equal(twin.syncedBytes, trust.syncedBytes);
        assert.deepEqual(twin.extents, trust.extents);
      }),
    );
  });
});
