import { createLogger, readSettings, reindexFolder } from "@eet/server";
import type { Command } from "commander";
import type { CommandContext } from "./command-context.ts";
import { runTool } from "./tool-error.ts";

/** Adds the command `reindex`. */
export function registerReindexCommand(program: Command, { terminal, env }: CommandContext): void {
  program
    .command("reindex")
    .summary("rebuild the catalogue from the sidecars")
    .description(
      "Builds catalog.db anew from the sidecars below the data folder. Recordings are only read; stop the server first.",
    )
    .option("--data <folder>", "the data folder (default: as in the settings)")
    .action(async ({ data }: { readonly data?: string }) => {
      const flags = data === undefined ? {} : { data };
      await runTool(async () => {
        const { settings } = await readSettings(process.cwd(), { flags, environment: env });
        const log = createLogger({ level: "warn", isPretty: terminal.err.isTty });
        const { segments, sessions, devices } = await reindexFolder(settings.server.data, log, (count) => {
          terminal.err.write(terminal.err.isTty ? `\r${count} segments` : `${count} segments\n`);
        });
        if (terminal.err.isTty) terminal.err.write("\r\x1b[K");
        terminal.out.write(`catalogue rebuilt: ${segments} segments, ${sessions} sessions, ${devices} devices\n`);
      });
    });
}
