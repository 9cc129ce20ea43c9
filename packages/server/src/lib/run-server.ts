import packageJson from "../../package.json" with { type: "json" };
import { readSettings } from "./config/config-store.ts";
import { toError } from "./kernel/errors.ts";
import { createLogger } from "./logger.ts";
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
}

/**
 * Runs a server until it is interrupted.
 *
 * @throws ConfigError and StorageError when it cannot be started
 */
export async function runServer({ flags, environment, folder, isTty, interruption }: RunOptions): Promise<void> {
  const { settings } = await readSettings(folder, { flags, environment });
  const log = createLogger({ level: settings.server.logLevel, isPretty: isTty });
  const { version } = packageJson;
  const server = await EetServer.open({ settings, log, version });
  const { host, port } = server.address;
  const url = `ws://${host.includes(":") ? `[${host}]` : host}:${port}/ws/{hwid}`;
  log.info({ version, url, data: settings.server.data, s3: settings.s3.enabled }, "listening");
  await aborted(interruption);
  log.info({ connections: server.connectionCount }, "stopping: closing segments; once more to stop at once");
  await server.close().catch((error: unknown) => log.error({ error: toError(error).message }, "stop failed"));
  log.info({}, "stopped");
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}
