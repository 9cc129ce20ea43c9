import { type DiagnoseOptions, diagnose, type Finding } from "@eet/server";
import type { Command } from "commander";
import type { CommandContext } from "./command-context.ts";
import { exitCodes, InterruptedError } from "./command-error.ts";
import { counted } from "./counted.ts";
import { addSettingFlags, settingFlags } from "./serve-command.ts";
import { runTool } from "./tool-error.ts";

/** Adds the command `doctor`. */
export function registerDoctorCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("doctor")
    .summary("check what the server needs: clock, disk, port, object store, webhooks, catalogue")
    .description(
      "Checks what `eet serve` in this folder with these options would need: settings, clock, open files, free space and speed " +
        "of the disk, its lock, the catalogue, the tokens, the certificates, the port, the rights at the object store, and whether webhooks can be reached. Says what to do about what is wrong. " +
        "Starts nothing; it may run beside a server. What it writes to measure (34 MiB, one object of 1 KiB) it removes.",
    );
  addSettingFlags(command)
    .option("--json", "one JSON object with every finding")
    .option("--ping-webhooks", "send each webhook a signed ping, instead of a connection alone");
  command.addHelpText("after", "\nExit code: 0 when there is no error, warnings or not; else 1.");
  command.action(async () => {
    const { json, "ping-webhooks": isPinging, ...flags } = settingFlags(command);
    const options = { flags, pingsWebhooks: isPinging === true };
    await runTool(() => runDoctor(options, json === true, context));
  });
}

async function runDoctor(
  options: Pick<DiagnoseOptions, "flags" | "pingsWebhooks">,
  isJson: boolean,
  context: CommandContext,
): Promise<void> {
  const { terminal, env: environment, folder, interruption } = context;
  const findings: Finding[] = [];
  for await (const finding of diagnose({ ...options, environment, folder })) {
    findings.push(finding);
    if (!isJson) terminal.out.write(formatFinding(finding));
    if (interruption.aborted) throw new InterruptedError("interrupted: not everything was checked");
  }
  const count = (status: Finding["status"]) => findings.filter((finding) => finding.status === status).length;
  const [errorCount, warningCount] = [count("error"), count("warning")];
  if (isJson) terminal.out.write(`${JSON.stringify({ errors: errorCount, warnings: warningCount, findings })}\n`);
  else terminal.out.write(`${counted(errorCount, "error")}, ${counted(warningCount, "warning")}\n`);
  if (errorCount > 0) context.exitCode = exitCodes.failure;
}

function formatFinding({ check, status, message, fix }: Finding): string {
  const line = `${status.padEnd(8)} ${check.padEnd(13)} ${message}\n`;
  return fix === undefined ? line : `${line}${" ".repeat(23)}${fix}\n`;
}
