import { listSettingFlags, runServer } from "@eet/server";
import { type Command, Option } from "commander";
import type { CommandContext } from "./command-context.ts";
import { runTool } from "./tool-error.ts";

const description = [
  "Runs the server: receives audio at ws://host:port/ws/{hwid}, records it under the data folder, uploads it.",
  "",
  "Every setting can also stand in appsettings.json, in .env or in the environment; `eet config` shows what is in effect." +
    " A switch such as --wav takes true or false, alone it means true; --no-wav means false.",
].join("\n");

const examples = `
Examples:
  eet serve                                 on this machine, into ./data
  eet serve --host 0.0.0.0 --data /srv/eet  reachable from the network, with tokens: see eet token
  eet serve --rotate-s 60 --rotate-align    a file a minute, on the minute
  eet serve --s3-enabled --s3-bucket my-audio --s3-region eu-central-1

Ctrl-C closes every segment, finishes uploads in flight and exits with 0;
a second one exits at once, still safe. SIGHUP, away from a terminal,
reads the files again: log level and quotas change without a restart.`;

/** Adds the command `serve`. */
export function registerServeCommand(program: Command, context: CommandContext): void {
  const command = program.command("serve").summary("run the server").description(description);
  addSettingFlags(command).addHelpText("after", examples);
  command.action(async () => {
    const { env: environment, folder, interruption, terminal, onHangup } = context;
    const { isTty } = terminal.out;
    // A terminal that is closed sends it too: who runs the server there wants it to end then.
    const onReload = isTty ? {} : { onReload: onHangup };
    const flags = settingFlags(command);
    await runTool(() => runServer({ flags, environment, folder, isTty, interruption, ...onReload }));
  });
}

/** Adds a flag for each setting that has one. */
export function addSettingFlags(command: Command): Command {
  for (const { name, type, description, allowed, defaultText } of listSettingFlags()) {
    const text = `${description} (${allowed}; default: ${defaultText})`;
    // Values are judged where those of the files and the environment are.
    command.addOption(new Option(type === "boolean" ? `--${name} [value]` : `--${name} <value>`, text));
    if (type === "boolean") command.addOption(new Option(`--no-${name}`).hideHelp());
  }
  return command;
}

/** The flags that were given, by name without dashes. */
export function settingFlags(command: Command): Record<string, unknown> {
  const flags = command.options.flatMap((option) => {
    // The value of --no-wav is that of --wav.
    if (option.negate) return [];
    const value: unknown = command.getOptionValue(option.attributeName());
    return value === undefined ? [] : [[option.name(), value] as const];
  });
  return Object.fromEntries(flags);
}
