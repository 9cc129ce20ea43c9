import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseServerFacts } from "./server-facts.ts";

describe("parseServerFacts", () => {
  it("reads values with and without labels", () => {
    const text = [
      "# HELP eet_disk_free_bytes Free bytes.",
      "# TYPE eet_disk_free_bytes gauge",
      "eet_disk_free_bytes 5e9",
      "eet_disk_size_bytes 10000000000",
      'eet_disk_state{state="ok"} 0',
      'eet_disk_state{state="soft"} 1',
      "eet_disk_headroom_hours +Inf",
      "eet_upload_backlog_files 12",
      "eet_upload_backlog_age_seconds 90.5",
      "",
    ].join("\n");
    assert.deepEqual(parseServerFacts(text), {
      ...{ freeBytes: 5e9, totalBytes: 1e10, diskState: "soft" },
      ...{ headroomHours: Number.POSITIVE_INFINITY, uploadBacklogFiles: 12, uploadBacklogAgeS: 90.5 },
    });
  });

  it("says what it does not know", () => {
    const { headroomHours, diskState, uploadBacklogFiles } = parseServerFacts("");
    assert.deepEqual([headroomHours, diskState, uploadBacklogFiles], [undefined, "ok", undefined]);
  });
});
