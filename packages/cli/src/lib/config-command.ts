import { formatSettings, formatSettingsJson, readSettings } from "@eet/server";
import type { Command } from "commander";
import type { CommandContext } from "./command-context.ts";
import { addSettingFlags, settingFlags } from "./serve-command.ts";
import { runTool } from "./tool-error.ts";

/** Adds the command `config`. */
export function registerConfigCommand(program: Command, { terminal, env, folder }: CommandContext): void {
  const command = program
    .command("config")
    .summary("show the effective settings and where each comes from")
    .description(
      "Shows the settings that `eet serve` would run with in this folder, each with where it comes from: a flag, the " +
        "environment, .env, appsettings.json or the default. Secrets are masked.",
    );
  addSettingFlags(command).option("--json", "as JSON");
  command.action(async () => {
    const { json, ...flags } = settingFlags(command);
    const effective = await runTool(() => readSettings(folder, { flags, environment: env }));
    terminal.out.write(json === true ? formatSettingsJson(effective) : formatSettings(effective));
  });
}
