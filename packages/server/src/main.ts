// The server without the command line tool: the only place here that reads the environment and the arguments and that
// ends the process. Flags are the settings' own; `eet serve --help` explains them.
import { parseArgs } from "node:util";
import { listSettingFlags } from "./lib/config/settings-table.ts";
import { toError } from "./lib/kernel/errors.ts";
import { runServer } from "./lib/run-server.ts";

// See packages/cli/src/main.ts.
process.env["UV_THREADPOOL_SIZE"] ??= "32";

const interruption = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // What is on disk is safe at any moment: who asks twice is let go.
    if (interruption.signal.aborted) process.exit(130);
    interruption.abort();
  });
}
try {
  const { values } = parseArgs({
    allowNegative: true,
    options: Object.fromEntries(listSettingFlags().map(({ name, type }) => [name, { type }])),
  });
  await runServer({
    flags: values,
    environment: process.env,
    folder: process.cwd(),
    isTty: process.stdout.isTTY === true,
    interruption: interruption.signal,
    // A terminal that is closed sends it too: who runs the server there wants it to end then.
    ...(!process.stdout.isTTY && { onReload: (reload: () => void) => void process.on("SIGHUP", reload) }),
  });
} catch (thrown) {
  console.error(`eet: ${toError(thrown).message}`);
  process.exitCode = 1;
}
// A part that could not be closed, such as a disk that hangs, must not hold the process for ever.
setTimeout(() => process.exit(), 2_000).unref();
