import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openTokenBook, silentLog, systemClock } from "@eet/server";
import { AbuseScene } from "../support/abuse/abuse-scene.ts";
import { tokenAttacks } from "../support/abuse/token-attacks.ts";
import { Authority, writeServerFiles } from "../support/certificates.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

/** `ABUSE_ATTACK=tokens`: those attacks only whose name has it. */
const chosenAttack = process.env["ABUSE_ATTACK"] ?? "";
const names = Object.keys(tokenAttacks).filter((name) => name.includes(chosenAttack));
/** Each may ask 200 times in ten seconds. */
const viewerCount = 10;
/** Refusals come by the thousand; the log has ten lines a minute of each code, the audit log one. */
const maxRefusalLines = 120;
const maxAuditLines = 20;

/** What attacks are answered with. [docs/security.md] */
const expectations: Readonly<Record<string, readonly string[]>> = {
  "wrong tokens": ["401 TOKEN_INVALID", "429 LOGIN_LIMIT"],
  "changes without a token": ["401 CREDENTIALS_MISSING", "429 API_RATE_LIMIT"],
  "wrong subprotocols": ["close 4401"],
  "idle TLS handshakes": ["dropped"],
  "followers that come and go": ["200"],
};

/** Makes the tokens of honest devices and of who reads. */
function makeTokens(folder: string) {
  const book = openTokenBook(join(folder, "data"), { clock: systemClock, log: silentLog });
  const device = book.create({ kind: "device", name: "honest", hwidPattern: "bench-*" }).secret;
  const [reader = "", ...viewers] = Array.from({ length: viewerCount + 1 }, (_, index) => {
    return book.create({ kind: "api", name: `viewer ${index}`, role: "viewer" }).secret;
  });
  book.close();
  return { device, reader, viewers };
}

describe("a server with tokens under abuse", { skip: names.length === 0 }, () => {
  it("keeps its promises to 200 honest devices, and neither log nor audit log grows with what is refused", async (t) => {
    await using folder = await makeTemporaryFolder();
    const { device, reader, viewers } = makeTokens(folder.path);
    const tls = await writeServerFiles(folder.path, await (await Authority.make("Fleet")).server());
    await using scene = await AbuseScene.open({
      ...{ folder: folder.path, expectations, deviceToken: device, readerToken: reader },
      flags: [...Object.entries(tls).flatMap(([name, value]) => [`--${name}`, value]), "--plain-port", "0"],
      means: { socketCount: 0, tokens: viewers },
      onNote: (text) => t.diagnostic(text),
    });
    const slow = await scene.attackAll(names);
    await scene.assertQuiet();
    await scene.assertLetGo();
    const refused = scene.lines.filter(({ msg }) => /refused|failed/.test(msg));
    t.diagnostic(`${refused.length} lines in the log: ${[...new Set(refused.map(({ msg }) => msg))]}`);
    assert.ok(refused.length <= maxRefusalLines, `${refused.length} lines about refusals`);
    await scene.assertWhole();
    const audit = await readFile(join(folder.path, "data/audit/audit.jsonl"), "utf8").catch(() => "");
    const auditLines = audit.split("\n").length - 1;
    t.diagnostic(`${auditLines} lines in the audit log`);
    assert.ok(auditLines <= maxAuditLines, `${auditLines} lines in the audit log`);
    assert.deepEqual(slow, []);
  });
});
