// What `node --test` does not tell: why a test failed, as soon as it has, since a run that is ended before its end would take the
// reasons with it; and behind all the files that took longest, where to look when the tests get slow.
import { relative } from "node:path";
import type { TestEvent } from "node:test/reporters";
import { inspect } from "node:util";

const listedCount = 10;

export default async function* tellMore(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const msByFile = new Map<string, number>();
  for await (const { type, data } of events) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    if (type === "test:fail" && data.details.type !== "suite") {
      const { error } = data.details;
      yield `\nfailed: ${data.name}\n${inspect(error.cause ?? error, { depth: 4 })}\n\n`;
    }
    if (data.nesting !== 0 || data.file === undefined) continue;
    msByFile.set(data.file, (msByFile.get(data.file) ?? 0) + data.details.duration_ms);
  }
  if (msByFile.size <= listedCount) return;
  yield `\nslowest of ${msByFile.size} files:\n`;
  const slowest = [...msByFile].sort(([, a], [, b]) => b - a).slice(0, listedCount);
  for (const [file, ms] of slowest) {
    yield `${(ms / 1000).toFixed(1).padStart(8)} s  ${relative(process.cwd(), file)}\n`;
  }
}
