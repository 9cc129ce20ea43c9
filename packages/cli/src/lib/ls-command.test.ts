import assert from "node:assert/strict";
import { basename } from "node:path";
import { after, before, describe, it } from "node:test";
import { TestLibrary } from "./library/library.test-support.ts";

interface Segment {
  readonly name: string;
  readonly start: string;
  readonly samples: number;
}

let library: TestLibrary;
let names: readonly string[];
before(async () => {
  library = await TestLibrary.open();
  names = library.recorded.segments.map((path) => basename(path));
});
after(() => library.close());

const parse = (out: string) =>
  out
    .split("\n")
    .filter(Boolean)
    .map((line): Segment => JSON.parse(line));

describe("eet ls", () => {
  it("lists a device's segments in order, from a server and from a folder", async () => {
    for (const { exitCode, out, err } of await library.both(["ls", "kitchen"])) {
      assert.deepEqual([exitCode, err], [0, "3 segments, 10.1 s\n"]);
      const [head, ...rows] = out.trimEnd().split("\n");
      const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
      assert.ok(head?.startsWith(`start (${zone})  `), head);
      assert.match(head ?? "", /^start \(\S+\) +length +missing +format +peak dB +upload +notes +file$/);
      assert.deepEqual(
        rows.map((row) => row.split(/ {2,}/).slice(1)),
        ["4.00 s", "4.00 s", "2.09 s"].map((length, at) => {
          const peak = rows[at]?.split(/ {2,}/)[4] ?? "";
          return [length, "-", "adpcm 16000 Hz", peak, "-", `kitchen/${names[at]}`];
        }),
      );
      for (const row of rows) assert.match(row, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d .* -\d+\.\d /);
    }
  });

  it("gives the API's objects as JSON, those of a range", async () => {
    const [byServer, byFolder] = await library.both(["ls", "kitchen", "--json"]);
    assert.equal(byFolder.out, byServer.out);
    const segments = parse(byServer.out);
    assert.deepEqual(
      segments.map(({ name }) => name),
      names,
    );
    const middle = segments[1]?.start ?? "";
    for (const { out } of await library.both(["ls", "kitchen", "--json", "--from", middle]))
      assert.deepEqual(
        parse(out).map(({ name }) => name),
        names.slice(1),
      );
    for (const { out } of await library.both(["ls", "kitchen", "--json", "--to", middle]))
      assert.equal(parse(out).length, 1);
  });

  it("lists those with gaps alone, and those of a stream", async () => {
    for (const { exitCode, out } of await library.both(["ls", "kitchen", "--gaps"]))
      assert.deepEqual([exitCode, out], [0, "no segments of kitchen in this range\n"]);
    for (const { out } of await library.both(["ls", "kitchen", "--stream", "1", "--json"]))
      assert.equal(parse(out).length, 3);
    for (const { out } of await library.both(["ls", "kitchen", "--stream", "9", "--json"])) assert.equal(out, "");
  });

  it("names the error's code and what to do for a device that is not known", async () => {
    for (const { exitCode, out, err } of await library.both(["ls", "attic"])) {
      assert.deepEqual([exitCode, out], [1, ""]);
      assert.match(err, /^eet ls: RESOURCE_UNKNOWN: the device "attic" is not known\. .+\n$/);
    }
  });

  it("refuses an id that none can be, and says what one looks like", async () => {
    for (const hwid of ["../x", "a/b", "..", "", "a b", "x".repeat(65)]) {
      for (const { exitCode, out, err } of await library.both(["ls", hwid])) {
        assert.deepEqual([exitCode, out], [2, ""]);
        assert.match(
          err,
          /'hwid'\. A device's id is 1 to 64 letters, digits, .*\. `eet devices` lists those that are known\./,
        );
      }
    }
    for (const { err } of await library.both(["ls", "a:b.c"]))
      assert.match(err, /the device "a_b_c" is not known\. `eet devices`/);
  });

  it("refuses a time that is none", async () => {
    for (const { exitCode, err } of await library.both(["ls", "kitchen", "--from", "noon"])) {
      assert.equal(exitCode, 2);
      assert.match(err, /'noon' is invalid. Allowed: 14:30, /);
    }
  });
});
