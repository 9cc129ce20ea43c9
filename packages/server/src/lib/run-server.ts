import { availableParallelism } from "node:os";
import packageJson from "../../package.json" with { type: "json" };
import { readSettings } from "./config/config-store.ts";
import type { Settings } from "./config/settings.ts";
import { workersByCores } from "./ingesting.ts";
import { toError } from "./kernel/errors.ts";
import { formatPlace } from "./listening.ts";
import { createLogger } from "./logger.ts";
import { Reloading } from "./reloading.ts";
import { EetServer } from "./server.ts";

/** What a server process is started with. */
export interface RunOptions {
  /** Setting flags by name without dashes, see `listSettingFlags`. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Working folder: `.env` and `appsettings.json` are read from it. */
  readonly folder: string;
  /** Whether a person reads the log. */
  readonly isTty: boolean;
  /** Stops the server gracefully. */
  readonly interruption: AbortSignal;
  /** Called with what is to be called when the settings are to be read again. Default: they never are. */
  readonly onReload?: (reload: () => void) => void;
}

/**
 * Runs a server until it is interrupted.
 *
 * @throws ConfigError and StorageError when it cannot be started
 */
export async function runServer(options: RunOptions): Promise<void> {
  const { flags, environment, folder, isTty, interruption, onReload } = options;
  const effective = await readSettings(folder, { flags, environment });
  const { settings } = effective;
  const log = createLogger({ level: settings.server.logLevel, isPretty: isTty });
  const { version } = packageJson;
  const automaticWorkers = workersByCores(availableParallelism());
  const opened = EetServer.open({ settings, log, version, environment, automaticWorkers });
  const server = await opened.catch((thrown: unknown) => {
    // A terminal signals to ingest workers, too, and one that has hardly begun ends by that.
    if (!interruption.aborted) throw thrown;
    return undefined;
  });
  if (server === undefined) {
    log.info({}, "stopped before it listened");
    return;
  }
  log.info({ version, ...describePlaces(server), data: settings.server.data, s3: settings.s3.enabled }, "listening");
  const apply = async (fresh: Settings) => {
    log.level = fresh.server.logLevel;
    await server.applySettings(fresh);
  };
  const reloading = new Reloading({ folder, flags, environment, effective, log, apply });
  onReload?.(() => {
    void server.reloadCertificates();
    void reloading.reload();
  });
  await aborted(interruption);
  log.info({ connections: server.connectionCount }, "stopping: closing segments; once more to stop at once");
  await server.close().catch((error: unknown) => log.error({ error: toError(error).message }, "stop failed"));
  log.info({}, "stopped");
}

/** Where devices connect, and where the page is. */
function describePlaces({ address, plainAddress, isTls }: EetServer): Readonly<Record<string, string>> {
  const place = formatPlace(address);
  const secure = isTls ? "s" : "";
  return {
    url: `ws${secure}://${place}/ws/{hwid}`,
    page: `http${secure}://${place}/`,
    ...(plainAddress && { plain: `ws://${formatPlace(plainAddress)}/ws/{hwid}` }),
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}
