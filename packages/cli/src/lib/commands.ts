import type { Command } from "commander";
import type { CommandContext } from "./command-context.ts";

type Register = (program: Command, context: CommandContext) => void;

/**
 * Every command, in the order of the help: first what a newcomer needs first. Loaded when it is wanted: a client need not
 * wait for the server's modules.
 */
const commands: ReadonlyMap<string, () => Promise<Register>> = new Map([
  ["demo", async () => (await import("./demo-command.ts")).registerDemoCommand],
  ["serve", async () => (await import("./serve-command.ts")).registerServeCommand],
  ["stream", async () => (await import("./stream-command.ts")).registerStreamCommand],
  ["devices", async () => (await import("./devices-command.ts")).registerDevicesCommand],
  ["ls", async () => (await import("./ls-command.ts")).registerLsCommand],
  ["export", async () => (await import("./export-command.ts")).registerExportCommand],
  ["events", async () => (await import("./events-command.ts")).registerEventsCommand],
  ["retention", async () => (await import("./retention-command.ts")).registerRetentionCommand],
  ["doctor", async () => (await import("./doctor-command.ts")).registerDoctorCommand],
  ["token", async () => (await import("./token-command.ts")).registerTokenCommand],
  ["config", async () => (await import("./config-command.ts")).registerConfigCommand],
  ["inspect", async () => (await import("./inspect-command.ts")).registerInspectCommand],
  ["wav", async () => (await import("./wav-command.ts")).registerWavCommand],
  ["verify", async () => (await import("./verify-command.ts")).registerVerifyCommand],
  ["backup", async () => (await import("./backup-command.ts")).registerBackupCommand],
  ["restore", async () => (await import("./backup-command.ts")).registerRestoreCommand],
  ["reindex", async () => (await import("./reindex-command.ts")).registerReindexCommand],
]);

/**
 * Adds the command that the arguments name, or every command where they name none: for the help, and for errors.
 *
 * @param firstArgument - what follows `eet`
 */
export async function registerCommands(
  program: Command,
  context: CommandContext,
  firstArgument: string | undefined,
): Promise<void> {
  const named = commands.get(firstArgument ?? "");
  for (const load of named === undefined ? commands.values() : [named]) (await load())(program, context);
}
