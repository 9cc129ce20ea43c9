import { resolve } from "node:path";
import { createLogger, openLibrary, readSettings, type Settings } from "@eet/server";
import type { Command } from "commander";
import type { CommandContext } from "../command-context.ts";
import { InterruptedError, UsageError } from "../command-error.ts";
import { requireDataFolder } from "../path-store.ts";
import { runTool } from "../tool-error.ts";
import { ApiClient } from "./api-client.ts";
import type { ApiSource } from "./api-source.ts";
import { answers, createServerSource } from "./server-source.ts";

/** Options of every command that reads recordings. */
export interface SourceFlags {
  readonly url?: string;
  readonly data?: string;
  readonly token?: string;
}

/** Adds the options that say where recordings are read. */
export function addSourceFlags(command: Command): Command {
  return command
    .option("--url <url>", "ask the server there, such as http://host:5096")
    .option("--data <folder>", "read this data folder, whether a server runs on it or not")
    .option("--token <token>", "secret for a server that asks for one; better in EET_TOKEN, which `ps` does not show")
    .addHelpText(
      "after",
      "\nWithout --url and --data it asks the server that the settings of this folder describe, if one answers, else it " +
        "reads their data folder; it says which.",
    );
}

/** Opens what the options name, does something with it and closes it. */
export async function withSource<T>(
  flags: SourceFlags,
  context: CommandContext,
  work: (client: ApiClient, settings: Settings) => Promise<T>,
): Promise<T> {
  const { env: environment, folder, terminal, interruption } = context;
  if (flags.url !== undefined && flags.data !== undefined)
    throw new UsageError("--url and --data exclude each other: a server is asked, or a folder is read");
  return await runTool(async () => {
    const given = flags.data === undefined ? {} : { data: flags.data };
    const { settings } = await readSettings(folder, { flags: given, environment });
    const source = await openSource(flags, settings, context);
    if (flags.url === undefined && flags.data === undefined)
      terminal.err.write(
        `${source.kind === "server" ? "asking the server at" : "reading the folder"} ${source.name}\n`,
      );
    try {
      return await work(new ApiClient(source), settings);
    } catch (error) {
      throw interruption.aborted ? new InterruptedError("interrupted", { cause: error }) : error;
    } finally {
      await source.close();
    }
  });
}

async function openSource(flags: SourceFlags, settings: Settings, context: CommandContext): Promise<ApiSource> {
  const { url, data, token = context.env["EET_TOKEN"] } = flags;
  if (url !== undefined) return createServerSource(parseUrl(url), context.interruption, token);
  const localUrl = localUrlOf(settings);
  if (data === undefined && localUrl !== undefined && (await answers(localUrl)))
    return createServerSource(localUrl, context.interruption, token);
  const dataFolder = resolve(context.folder, settings.server.data);
  requireDataFolder(dataFolder);
  const log = createLogger({ level: "warn", isPretty: context.terminal.err.isTty });
  const library = await openLibrary({ dataFolder, settings, log });
  return {
    name: dataFolder,
    kind: "folder",
    request: (path, request) => library.request(path, request),
    close: () => library.close(),
  };
}

/** Where a server with these settings is reached from its own machine. */
function localUrlOf({ server: { host, port } }: Settings): string | undefined {
  if (port === 0) return undefined;
  const reachable = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `http://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}`;
}

function parseUrl(text: string): string {
  const url = URL.parse(text);
  if (url !== null && (url.protocol === "http:" || url.protocol === "https:")) return text;
  throw new UsageError(`--url is ${JSON.stringify(text)}; it takes a URL such as http://host:5096`);
}
