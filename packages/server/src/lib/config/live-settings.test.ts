import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isLiveSetting } from "./live-settings.ts";

describe("isLiveSetting", () => {
  it("knows what a running server takes over, that of devices and webhooks by whatever name included", () => {
    const live = ["Server:LogLevel", "Server:MaxViewers", "Devices:kitchen:RetentionMaxGb", "Webhooks:hook-1:Secret"];
    assert.deepEqual(live.filter(isLiveSetting), live);
    assert.ok(isLiveSetting("Events:WebhookSecret"));
  });

  it("leaves to the next start what is fixed at a start", () => {
    const fixed = [
      "Server:Port",
      "Server:MaxBodyBytes",
      "Devices:kitchen:NibbleOrder",
      "Events:OfflineAfterS",
      "S3:Bucket",
    ];
    assert.deepEqual(fixed.filter(isLiveSetting), []);
  });
});
