import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkOpenFiles } from "./fd-check.ts";

describe("checkOpenFiles", () => {
  it("warns of a limit that carries few devices, or fewer than are to be taken [S-2.6]", () => {
    const wanted = (maxConnections: number, maxSockets = 64) => ({ maxConnections, maxSockets });
    assert.equal(checkOpenFiles(wanted(0, 1_000), 20_000).status, "ok");
    assert.equal(checkOpenFiles(wanted(200, 1_000), 1_024).status, "ok");
    assert.match(checkOpenFiles(wanted(0), 1_024).message, /^the limit is 1024, which carries 298 devices$/);
    const tooMany = checkOpenFiles(wanted(200, 1_500), 1_024);
    assert.match(tooMany.message, /298 devices and 64 others, fewer than Server:MaxSockets \(1500\)$/);
    for (const finding of [checkOpenFiles(wanted(0), 1_024), checkOpenFiles(wanted(500), 1_024), tooMany]) {
      assert.equal(finding.status, "warning");
      assert.match(finding.fix ?? "", /ulimit -n/);
    }
  });
});
