import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import { promisify } from "node:util";
import { destination, type Logger, pino } from "pino";
import { GatheredLines } from "./gathered-lines.ts";

describe("GatheredLines", () => {
  let path: string;
  let log: Logger;
  let target: ReturnType<typeof destination>;
  let writeCount: number;

  beforeEach((t) => {
    const folder = mkdtempSync(join(tmpdir(), "eet-lines-"));
    path = join(folder, "log");
    target = destination({ dest: path, sync: false, minLength: 8_192 });
    log = pino({ base: null }, new GatheredLines(target));
    writeCount = 0;
    target.on("write", () => {
      writeCount += 1;
    });
    if ("after" in t) t.after(() => rmSync(folder, { recursive: true }));
  });

  const written = () => readFileSync(path, "utf8").trimEnd().split("\n");
  const messages = () => written().map((line) => JSON.parse(line).msg);
  const all = async (count: number) => {
    while (readFileSync(path, "utf8").split("\n").length <= count) await once(target, "write");
  };

  it("writes a line that comes after a pause at once", async () => {
    await once(target, "ready");
    log.info("one");
    await once(target, "write");
    assert.deepEqual(messages(), ["one"]);
  });

  it("writes lines that follow each other together, in their order", async () => {
    await once(target, "ready");
    const names = Array.from({ length: 40 }, (_, place) => `line ${place}`);
    for (const name of names) log.info(name);
    await all(names.length);
    assert.deepEqual(messages(), names);
    assert.ok(writeCount <= 3, `${writeCount} writes`);
  });

  it("writes a warning at once, with what waits in front of it", async () => {
    await once(target, "ready");
    log.info("one");
    await once(target, "drain");
    log.info("two");
    log.warn("three");
    await all(3);
    assert.deepEqual(messages(), ["one", "two", "three"]);
  });

  it("leaves nothing unwritten when the process ends", async () => {
    const program = `
      import { createLogger } from ${JSON.stringify(import.meta.resolve("./logger.ts"))};
      const log = createLogger({ level: "info", isPretty: false });
      for (let place = 0; place < 300; place += 1) log.info({ place }, "line");
      if (process.argv[1] === "exit") process.exit(3);
    `;
    const run = (how: string) =>
      promisify(execFile)(process.execPath, ["--input-type=module-typescript", "-e", program, how]).catch(
        (error: { readonly stdout: string }) => error,
      );
    for (const { stdout } of await Promise.all([run("exit"), run("by itself")])) {
      const places = stdout
        .trimEnd()
        .split("\n")
        .map((line): number => JSON.parse(line).place);
      // What another thread is just writing when the process ends may come behind what is written at once then.
      assert.deepEqual(
        places.sort((one, other) => one - other),
        Array.from({ length: 300 }, (_, place) => place),
      );
    }
  });
});
