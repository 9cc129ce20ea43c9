import { formatSettings, formatSettingsJson, readSettings } from "@eet/server";
import type { Command } from "commander";
import type { CommandContext } from "./command-context.ts";
import { CommandError } from "./command-error.ts";
import { addSettingFlags, settingFlags } from "./serve-command.ts";

/** Adds the command `config`. */
export function registerConfigCommand(program: Command, { terminal, env }: CommandContext): void {
  const command = program
    .command("config")
    .summary("show the effective settings and where each comes from")
    .description(
      "Shows the settings that `eet serve` would run with in this folder, each with its source; secrets are masked.",
    );
  addSettingFlags(command).option("--json", "as JSON");
  command.action(async () => {
    const { json, ...flags } = settingFlags(command);
    const effective = await readSettings(process.cwd(), { flags, environment: env }).catch((error: unknown) => {
      throw error instanceof Error ? new CommandError(error.message, { cause: error }) : error;
    });
    terminal.out.write(json === true ? formatSettingsJson(effective) : formatSettings(effective));
  });
}
