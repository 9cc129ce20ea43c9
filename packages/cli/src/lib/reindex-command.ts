import { resolve } from "node:path";
import { createLogger, readSettings, reindexFolder } from "@eet/server";
import type { Command } from "commander";
import type { CommandContext } from "./command-context.ts";
import { counted } from "./counted.ts";
import { requireDataFolder } from "./path-store.ts";
import { runTool } from "./tool-error.ts";

/** Adds the command `reindex`. */
export function registerReindexCommand(program: Command, { terminal, env, folder }: CommandContext): void {
  program
    .command("reindex")
    .summary("rebuild the catalogue from the sidecars")
    .description(
      "Builds catalog.db anew from the sidecars (.json) below the data folder. Recordings are only read, and what is known " +
        "about their uploads is kept. Stop the server first.",
    )
    .option("--data <folder>", "the data folder (default: as in the settings)")
    .action(async (flags: { readonly data?: string }) => {
      const { out, err } = terminal;
      const log = createLogger({ level: "warn", isPretty: err.isTty });
      const { segments, sessions, devices, copies } = await runTool(async () => {
        const { settings } = await readSettings(folder, { flags: { ...flags }, environment: env });
        const dataFolder = resolve(folder, settings.server.data);
        requireDataFolder(dataFolder);
        return reindexFolder(dataFolder, log, (count) => {
          if (err.isTty) err.write(`\r${counted(count, "segment")}`);
        });
      });
      if (err.isTty) err.write("\r\x1b[K");
      const counts = [counted(segments, "segment"), counted(sessions, "session"), counted(devices, "device")];
      out.write(`catalogue rebuilt: ${counts.join(", ")}\n`);
      if (copies > 0) out.write(`${copiesOf(copies)}; the log names each\n`);
    });
}

function copiesOf(count: number): string {
  const subject = count === 1 ? "1 copy of a segment is" : `${count} copies of segments are`;
  return `${subject} left out, as another folder has the same; nothing is deleted`;
}
