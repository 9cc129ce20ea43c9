import { join, resolve } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { type CatalogVerdict, checkCatalogFile } from "./catalog/catalog-check-store.ts";
import { readSettings } from "./config/config-store.ts";
import type { SettingsInput } from "./config/load-settings.ts";
import type { Settings } from "./config/settings.ts";
import { SettingsError } from "./config/settings-error.ts";
import { diagnoseAccess } from "./diagnose-access.ts";
import { checkClock } from "./doctor/clock-check-store.ts";
import { checkConfigFiles } from "./doctor/config-files-check-store.ts";
import { checkDisk } from "./doctor/disk-check-store.ts";
import { checkOpenFiles } from "./doctor/fd-check.ts";
import { type Finding, failure, warning, well } from "./doctor/finding.ts";
import { checkPort } from "./doctor/port-check-store.ts";
import { checkStore } from "./doctor/store-check-store.ts";
import { checkWebhook } from "./doctor/webhook-check-store.ts";
import { WebhookSender } from "./events/webhook-sender.ts";
import { systemClock } from "./kernel/clock.ts";
import { toError } from "./kernel/errors.ts";
import { parseWebhookSecret } from "./kernel/webhook-secret.ts";
import { tlsPathsOf } from "./listening.ts";
import { findLockHolder } from "./storage/data-lock-store.ts";

export type { Finding } from "./doctor/finding.ts";

export interface DiagnoseOptions extends Pick<SettingsInput, "flags" | "environment"> {
  /** Working folder: settings files are read from it, and the data folder lies below it unless its path is absolute. */
  readonly folder: string;
  /** Whether each webhook is sent a signed ping. Default: only connections are made. */
  readonly pingsWebhooks?: boolean;
}

/**
 * Looks at what a server with the settings of a folder needs, one finding after the other. Starts nothing; writes files and
 * an object of its own, which it removes.
 */
export async function* diagnose({ folder, pingsWebhooks = false, ...given }: DiagnoseOptions): AsyncGenerator<Finding> {
  let settings: Settings;
  try {
    settings = (await readSettings(folder, given)).settings;
  } catch (thrown) {
    yield* describeSettingsError(thrown);
    return;
  }
  yield well("settings", "all are known and within what is allowed; `eet config` shows them");
  yield* await checkConfigFiles(folder);
  const { host, port, plainHost, plainPort, data } = settings.server;
  const dataFolder = resolve(folder, data);
  const verdict = checkCatalogFile(join(dataFolder, "catalog.db"));
  yield* await checkClock(systemClock, verdict.newestMs);
  yield checkOpenFiles(settings.server);
  yield* await checkDisk(dataFolder);
  yield judgeLock(dataFolder);
  yield judgeCatalog(verdict);
  yield diagnoseAccess(settings, dataFolder, systemClock);
  const tls = tlsPathsOf(settings.server, folder);
  const { checkTls } = await import("./doctor/tls-check-store.ts");
  yield* await checkTls(tls, systemClock.wallMs());
  yield await checkPort(host, port, tls?.cert);
  if (plainPort !== undefined) yield await checkPort(plainHost, plainPort);
  yield* await judgeStore(settings.s3);
  yield* await judgeWebhooks(settings.events.webhooks, pingsWebhooks);
}

function describeSettingsError(thrown: unknown): readonly Finding[] {
  if (!(thrown instanceof SettingsError)) throw thrown;
  return thrown.issues.map(({ message }) =>
    failure("settings", message, "Correct it; docs/configuration.md lists every setting. Nothing else was looked at."),
  );
}

function judgeLock(dataFolder: string): Finding {
  try {
    const holder = findLockHolder(dataFolder);
    return well("lock", holder === undefined ? "no server runs on the data folder" : `a server runs on it: ${holder}`);
  } catch (thrown) {
    const fix = "Give the user that runs the server the right to read and write server.lock in the data folder.";
    return failure("lock", `server.lock cannot be looked at: ${toError(thrown).message}`, fix);
  }
}

function judgeCatalog({ schema, faults, segmentCount }: CatalogVerdict): Finding {
  if (faults.length > 0) {
    const fix = "Stop the server and run `eet reindex`: it is rebuilt from the sidecars; no recording is lost.";
    return failure("catalogue", `the catalogue is damaged: ${faults.join("; ")}`, fix);
  }
  if (schema === "missing") return well("catalogue", "none yet: the server makes it");
  if (schema === "unknown") {
    const fix = "Run the version that made it or a later one; docs/operations.md tells how to go back.";
    return failure("catalogue", "it was made by a later version, or is no catalogue", fix);
  }
  const message = `quick_check finds it whole, ${segmentCount} segments`;
  if (schema === "current") return well("catalogue", message);
  const fix = "Back it up first (`eet backup`): the start of this version brings its schema up to date.";
  return warning("catalogue", `${message}; made by an earlier version`, fix);
}

function judgeWebhooks(
  webhooks: Settings["events"]["webhooks"],
  arePinged: boolean,
): Promise<readonly Finding[]> | readonly Finding[] {
  if (webhooks.length === 0) return [well("webhooks", "none is set")];
  return Promise.all(
    webhooks.map(({ name, url, secret }) => {
      const key = parseWebhookSecret(secret);
      if (!arePinged || key === undefined) return checkWebhook({ name, url });
      const sender = new WebhookSender({ name, url, key, version: packageJson.version });
      const ping = async () => {
        const outcome = await sender.ping();
        return outcome.kind === "failed" ? outcome.reason : undefined;
      };
      return checkWebhook({ name, url, ping });
    }),
  );
}

async function judgeStore(s3: Settings["s3"]): Promise<readonly Finding[]> {
  if (!s3.enabled) return [well("object store", "uploads are off (S3:Enabled)")];
  // The SDK takes a while to load, and only who uploads needs it.
  const { S3ObjectStore } = await import("./upload/s3-object-store.ts");
  let store: InstanceType<typeof S3ObjectStore>;
  try {
    store = new S3ObjectStore(s3);
  } catch (thrown) {
    return [failure("object store", toError(thrown).message, "Set what the message names; `eet config` shows it all.")];
  }
  try {
    return await checkStore({ store, name: `s3://${s3.bucket}`, prefix: s3.prefix });
  } finally {
    store.close();
  }
}
