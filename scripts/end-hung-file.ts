// Loaded before each test file (`--import`, with `?ms=` behind its path): ends the file's process when it is still there long after its
// tests should have ended. What a test left open, a child that waits for ever say, would keep the process, and with it the whole run,
// without a word.
import { isMainThread } from "node:worker_threads";

const deadlineMs = Number(new URL(import.meta.url).searchParams.get("ms"));
// Not ref'ed: it keeps nothing up by itself.
if (isMainThread) setTimeout(endHung, deadlineMs).unref();

function endHung(): void {
  const open = [...new Set(process.getActiveResourcesInfo())].join(", ");
  console.error(`${process.argv[1]} is still there after ${deadlineMs / 1000} s; it holds open: ${open}`);
  process.exit(1);
}
