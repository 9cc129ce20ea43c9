import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { systemErrorCode, toError } from "../kernel/errors.ts";
import { type EffectiveSettings, loadSettings, type SettingsInput } from "./load-settings.ts";
import { SettingsError } from "./settings-error.ts";

/** What the settings files of a folder hold; a file that is not there sets nothing. */
export type ConfigFiles = Required<Pick<SettingsInput, "dotenv" | "appsettings">>;

/**
 * Reads `.env` and `appsettings.json`. The process's environment stays as it is, so that the layers stay apart.
 * @param folder - the working folder
 * @throws SettingsError when a file is there but cannot be read, or is not UTF-8
 */
export async function readConfigFiles(folder: string): Promise<ConfigFiles> {
  const [dotenv, appsettings] = await Promise.all([
    readOptionalText(folder, ".env"),
    readOptionalText(folder, "appsettings.json"),
  ]);
  return { dotenv: parseEnv(dotenv ?? ""), appsettings };
}

/**
 * The effective settings: the files of a folder under the flags and the environment given.
 * @throws SettingsError that names everything wrong at once
 */
export async function readSettings(
  folder: string,
  given: Pick<SettingsInput, "flags" | "environment">,
): Promise<EffectiveSettings> {
  return loadSettings({ ...given, ...(await readConfigFiles(folder)), coreCount: availableParallelism() });
}

async function readOptionalText(folder: string, name: ".env" | "appsettings.json"): Promise<string | undefined> {
  try {
    // Editors on Windows put a byte order mark first; the decoder drops it.
    return new TextDecoder("utf-8", { fatal: true }).decode(await readFile(join(folder, name)));
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    const message = `${name} in ${folder} cannot be read: ${toError(error).message}`;
    throw new SettingsError([{ code: "CONFIG_BAD_FILE", key: name, source: { layer: name }, message }], {
      cause: error,
    });
  }
}
