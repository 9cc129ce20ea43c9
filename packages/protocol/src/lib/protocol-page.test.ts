import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import vectors from "../../../../test/vectors/adpcm.json" with { type: "json" };
import { type WireErrorRow, wireErrors } from "./error-table.ts";
import { reconnectRuleOfClose } from "./reconnect.ts";

const page = readFileSync(new URL("../../../../docs/protocol.md", import.meta.url), "utf8");

describe("docs/protocol.md", () => {
  it("shows the bytes of the vectors", () => {
    const { frame0, frame1 } = vectors;
    assert.ok(page.includes(`\n${vectors.handshake_adpcm_16k_mono_fs16}\n`));
    assert.ok(page.includes(`\n${vectors.pcm_frame_seq_max}\n`));
    assert.ok(page.includes(`\n${frame0.wire_lo}\n${frame1.wire_lo}\n`));
    assert.ok(page.includes(`\n${frame0.decoded.join(" ")}\n${frame1.decoded.join(" ")}\n`));
  });

  it("shows the same bytes in the sessions [P-2.9]", () => {
    const messages = [...page.matchAll(/^[<>] binary (.*)$/gm)].map(([, bytes]) => bytes?.replaceAll(" ", ""));
    const { handshake_adpcm_16k_mono_fs16: handshake, frame0, frame1, ack } = vectors;
    const acked = [ack.WELC_new, ack.RSUM, ack.WELC_resumed, ack.ACKF, ack.FINI];
    assert.deepEqual(new Set(messages), new Set([...acked, handshake, frame0.wire_lo, frame1.wire_lo]));
  });

  it("lists each close code with its reason [P-1.9]", () => {
    const rows: readonly WireErrorRow[] = Object.values(wireErrors);
    const missing = rows.filter(({ closeCode, closeReason }) => {
      const reason = closeReason ? `\`${closeReason}\`` : "";
      return closeCode !== undefined && !page.replaceAll(/ +/g, " ").includes(`| ${closeCode} | ${reason}`);
    });
    assert.deepEqual(missing, []);
  });

  it("lists each close code of acknowledged connections, and what to do as a device does [P-2.8]", () => {
    const section = page.slice(page.indexOf("### How acknowledged connections end"));
    const rows = [...section.matchAll(/^\| ([\d, ]+) \| .* \| (.*) \|$/gm)];
    const advice = new Map(
      rows.flatMap(([, codes = "", what = ""]) => codes.split(", ").map((code) => [Number(code), what])),
    );
    for (const { ackCloseCode } of Object.values(wireErrors)) assert.ok(advice.has(ackCloseCode), `${ackCloseCode}`);
    for (const [code, what] of advice) {
      assert.equal(what.startsWith("stop"), reconnectRuleOfClose(code).action === "stop", `${code}: ${what}`);
    }
  });
});
