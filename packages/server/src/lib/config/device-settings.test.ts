import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fail, load } from "../../../../../test/support/settings-layers.ts";
import { loadSettings } from "./load-settings.ts";

describe("chooseDeviceValues", () => {
  it("reads them by sanitised hwid", () => {
    const { settings, sources } = load({
      file: {
        devices: { "AA:BB.cc": { nibbleorder: "HIGH" }, "probe-1": { AdpcmLayout: "ms4", NibbleOrder: null }, x: {} },
      },
    });
    assert.deepEqual(
      [...settings.devices],
      [
        ["AA_BB_cc", { nibbleOrder: "high" }],
        ["probe-1", { adpcmLayout: "ms4" }],
        ["x", {}],
      ],
    );
    assert.equal(sources.get("Devices:AA_BB_cc:NibbleOrder")?.layer, "appsettings.json");
  });

  it("tells hwids apart by case", () => {
    assert.equal(load({ file: { Devices: { a: {}, A: {} } } }).settings.devices.size, 2);
  });

  it("refuses unusable and repeated hwids, unknown settings and bad values", () => {
    const Devices = {
      "../x": {},
      ["a".repeat(65)]: {},
      echo: {},
      "a:b": {},
      a_b: {},
      list: [],
      p: { NibbleOrder: "middle", NibleOrder: "low" },
    };
    const codes = fail({ file: { Devices } }).issues.map(({ code }) => code);
    assert.deepEqual(codes, [...Array(5).fill("CONFIG_BAD_VALUE"), "CONFIG_UNKNOWN_KEY", "CONFIG_BAD_VALUE"]);
    assert.match(fail({ file: { Devices } }).message, /did you mean Devices:p:NibbleOrder\?/);
  });

  it("takes a hwid such as __proto__ for what it is", () => {
    const { settings } = loadSettings({ coreCount: 1, appsettings: '{"Devices":{"__proto__":{"NibbleOrder":"low"}}}' });
    assert.deepEqual(settings.devices.get("__proto__"), { nibbleOrder: "low" });
  });
});
