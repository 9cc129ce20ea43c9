import type { Command } from "commander";
import type { CommandContext } from "./command-context.ts";
import { UsageError } from "./command-error.ts";
import { addSourceFlags, type SourceFlags, withSource } from "./library/choose-source.ts";
import { wholeNumber } from "./number-argument.ts";

interface ReplayFlags extends SourceFlags {
  readonly dead?: true;
  readonly target?: string;
  readonly from?: number;
  readonly to?: number;
  readonly json?: true;
}

interface Replayed {
  readonly replayed: number;
}

interface Deliveries {
  readonly targets: readonly { readonly target: string }[];
}

const eventId = wholeNumber(1, Number.MAX_SAFE_INTEGER);

/** Adds `replay` to the command `events`. */
export function registerReplayCommand(events: Command, context: CommandContext): void {
  const command = events
    .command("replay")
    .summary("deliver again what was given up, or events of the log")
    .description(
      "Puts deliveries to webhooks and commands back into the queue; a running server delivers them at once.",
    )
    .option("--dead", "what was given up, of every target or of one")
    .option("--from <id>", "the first of the events to deliver again", eventId)
    .option("--to <id>", "the last of them", eventId)
    .option("--target <name>", "the webhook or command, as the server's log names it")
    .option("--json", "as JSON");
  addSourceFlags(command);
  // What stands in front of `replay` belongs to it as well.
  command.action((_flags: ReplayFlags, self: Command) => {
    const flags = self.optsWithGlobals<ReplayFlags>();
    return replay(flags, context);
  });
}

async function replay(flags: ReplayFlags, context: CommandContext): Promise<void> {
  const { dead, target, from, to } = flags;
  const isRange = from !== undefined || to !== undefined;
  if (dead === isRange || (dead === undefined && !isRange))
    throw new UsageError("give either --dead or --from ID --to ID --target NAME");
  await withSource(flags, context, async (client) => {
    let replayed = 0;
    if (isRange) {
      if (from === undefined || to === undefined || target === undefined)
        throw new UsageError("a replay of the log takes all of --from ID, --to ID and --target NAME");
      ({ replayed } = await client.post<Replayed>("/deliveries/replay", { target, from_id: from, to_id: to }));
    } else {
      const { targets } = await client.get<Deliveries>("/deliveries");
      const names = target === undefined ? targets.map((one) => one.target) : [target];
      for (const name of names) {
        const result = await client.post<Replayed>("/dead-letters/replay", { target: name });
        replayed += result.replayed;
      }
    }
    const text = `${replayed} ${replayed === 1 ? "delivery" : "deliveries"} put back`;
    context.terminal.out.write(flags.json ? `${JSON.stringify({ replayed })}\n` : `${text}\n`);
  });
}
