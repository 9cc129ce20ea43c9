import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type FileFacts, HashedTarget, hashBin, hashFile } from "./hashed-target-store.ts";
import { temporaryFolder } from "./segment-fixture.test-support.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

function close(target: HashedTarget): FileFacts {
  const facts = target.finish();
  target.close();
  return facts;
}

describe("HashedTarget", () => {
  it("writes and hashes the bytes in order, whatever the pieces", (t) => {
    const path = join(temporaryFolder(t), "a");
    fc.assert(
      fc.property(fc.array(fc.nat(400_000), { maxLength: 6 }), (lengths) => {
        const pieces = lengths.map((length, index) => new Uint8Array(length).fill(index + 1));
        const target = HashedTarget.open(path);
        for (const piece of pieces) target.write(piece);
        const whole = Buffer.concat(pieces);
        assert.deepEqual(close(target), { bytes: whole.length, sha256: sha256(whole) });
        assert.ok(readFileSync(path).equals(whole));
      }),
      { numRuns: 25 },
    );
  });

  it("writes samples little-endian", (t) => {
    const path = join(temporaryFolder(t), "a");
    const target = HashedTarget.open(path);
    target.writeSamples(Int16Array.of(1, -2, 32_767));
    close(target);
    assert.deepEqual([...readFileSync(path)], [1, 0, 0xfe, 0xff, 0xff, 0x7f]);
  });

  it("hashes without a file", () => {
    const target = HashedTarget.open(null);
    target.write(Buffer.from("abc"));
    assert.deepEqual(close(target), { bytes: 3, sha256: sha256(Buffer.from("abc")) });
  });

  it("keeps two that are open at once apart, and from those before", (t) => {
    const folder = temporaryFolder(t);
    for (const round of ["first", "second"]) {
      const targets = ["a", "b"].map((name) => ({ name, target: HashedTarget.open(join(folder, name)) }));
      for (const { name, target } of targets) target.write(Buffer.from(`${round} ${name}`));
      for (const { target } of targets) close(target);
      for (const { name } of targets) assert.equal(readFileSync(join(folder, name), "utf8"), `${round} ${name}`);
    }
  });

  it("removes what it wrote when it is aborted", (t) => {
    const path = join(temporaryFolder(t), "a");
    const target = HashedTarget.open(path);
    target.write(new Uint8Array(300_000));
    target.abort();
    assert.equal(existsSync(path), false);
  });
});

describe("HashedTarget that is aborted behind its close", () => {
  it("removes the file, and gives nothing free that is another's by now", (t) => {
    const folder = temporaryFolder(t);
    const [path, ...others] = ["a", "b", "c"].map((name) => join(folder, name));
    assert.ok(path);
    const target = HashedTarget.open(path);
    target.write(Buffer.from("a"));
    close(target);
    const targets = others.map((other) => HashedTarget.open(other));
    target.abort();
    assert.equal(existsSync(path), false);
    targets.push(HashedTarget.open(join(folder, "d")));
    for (const [index, other] of targets.entries()) other.write(Buffer.from(`${index}`));
    for (const other of targets) close(other);
    assert.deepEqual(
      ["b", "c", "d"].map((name) => readFileSync(join(folder, name), "utf8")),
      ["0", "1", "2"],
    );
  });
});

describe("hashFile", () => {
  it("hashes a file up to an offset, or to its end", (t) => {
    const path = join(temporaryFolder(t), "a");
    const bytes = Buffer.alloc(600_000, "eet");
    writeFileSync(path, bytes);
    assert.deepEqual(hashFile(path, 300_001), { bytes: 300_001, sha256: sha256(bytes.subarray(0, 300_001)) });
    assert.deepEqual(hashFile(path, Number.MAX_SAFE_INTEGER), { bytes: 600_000, sha256: sha256(bytes) });
  });
});

describe("hashBin", () => {
  it("hashes a file and bytes alike", (t) => {
    const path = join(temporaryFolder(t), "a");
    const bytes = Buffer.alloc(1_000, "eet");
    writeFileSync(path, bytes);
    for (const end of [0, 999, 1_000, 2_000]) assert.deepEqual(hashBin(bytes, end), hashBin(path, end));
  });
});
