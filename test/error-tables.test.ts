import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { type WireErrorRow, wireErrors } from "@eet/protocol";
import { type ErrorRow, serverErrors } from "../packages/server/src/lib/kernel/error-table.ts";
import { formatErrorDocs } from "../scripts/write-error-docs.ts";
import { readSourceFiles } from "./support/source-files.ts";

/** Rows of both tables, by code. */
const rows: readonly (readonly [string, WireErrorRow | ErrorRow])[] = [
  ...Object.entries(wireErrors),
  ...Object.entries(serverErrors),
];

describe("error tables", () => {
  it("stand in docs/errors.md as they are", async () => {
    const docs = await readFile(new URL("../docs/errors.md", import.meta.url), "utf8");
    assert.equal(docs, formatErrorDocs(), "run: node scripts/write-error-docs.ts");
  });

  it("share no code", () => {
    const codes = rows.map(([code]) => code);
    assert.deepEqual(
      codes.filter((code, index) => codes.indexOf(code) !== index),
      [],
    );
  });

  it("close connections with the reasons that devices know only [P-1.9]", () => {
    const known = [
      "binary required",
      "invalid handshake",
      "invalid audio frame",
      "frame codec mismatch",
      "frame payload size invalid",
      "too big",
      // Broken WebSocket framing: the library closes with 1002 and no words.
      "",
    ];
    const reasons = Object.values<WireErrorRow>(wireErrors).flatMap(({ closeReason }) => closeReason ?? []);
    assert.deepEqual(new Set(reasons), new Set(known));
  });

  it("have no row that nothing uses", () => {
    const sources = readSourceFiles("packages/*/src/**/*.ts").filter(
      ({ path }) => !/error-table\.ts$|\.test(?:-support)?\.ts$/.test(path),
    );
    const unused = rows.map(([code]) => code).filter((code) => !sources.some(({ text }) => text.includes(`"${code}"`)));
    assert.deepEqual(unused, []);
  });

  it("tell in each row what is wrong and what to do, in a way that fits a Markdown cell", () => {
    const unfinished = rows.filter(
      ([, { title, fix }]) => !/^[^|\n]+[^|\n.]$/.test(title) || !/^[^|\n]+[.]$/.test(fix),
    );
    assert.deepEqual(unfinished, []);
  });

  it("use statuses that HTTP has", () => {
    const statuses = Object.values<ErrorRow>(serverErrors).flatMap(({ httpStatus }) => httpStatus ?? []);
    assert.deepEqual(
      new Set(statuses),
      new Set([400, 401, 403, 404, 405, 408, 409, 413, 415, 416, 421, 426, 429, 431, 500, 503]),
    );
  });
});
