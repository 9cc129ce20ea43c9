import { type Role, roles } from "@eet/server";
import { type Command, Option } from "commander";
import type { CommandContext } from "./command-context.ts";
import { UsageError } from "./command-error.ts";
import { formatLocalTime, formatTextTable } from "./library/text-table.ts";
import { positiveNumber, wholeNumber } from "./number-argument.ts";
import { type MadeToken, type ShownToken, type TokenSourceFlags, withTokens } from "./token/token-source.ts";

interface JsonFlags extends TokenSourceFlags {
  readonly json?: true;
}

interface CreateFlags extends JsonFlags {
  readonly hwid?: string;
  readonly role?: Role;
  readonly name?: string;
  readonly expiresD?: number;
}

interface RotateFlags extends JsonFlags {
  readonly overlapH: number;
  readonly expiresD?: number;
}

const columns = [
  ...["id", "for", "name", "state"].map((head) => ({ head })),
  ...["expires", "last used"].map((head) => ({ head, isTime: true as const })),
];
const maxOverlapH = 8_760;

const examples = `
Examples:
  eet token create --role admin --name ann       for a person: log in at the page, EET_TOKEN for commands
  eet token create --hwid 'kitchen-*'            for devices with such ids
  eet token rotate d-1f2e3d4c5b6a --overlap-h 48  its successor, for as long again
  eet token revoke d-1f2e3d4c5b6a

The first token protects the server: from then on everybody has to show one.
Without --url the tokens of this folder's data folder are changed; a server that
runs on it follows within a second. docs/security.md tells what each role may.`;

/** Adds the command `token` with its subcommands. */
export function registerTokenCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("token")
    .summary("make, list, revoke and rotate tokens of devices and people")
    .description("Says who may reach the server. Its secrets are shown once; the server keeps their hashes.")
    .addHelpText("after", examples);
  registerCreate(command, context);
  const list = addPlace(command.command("list").summary("list tokens, without their secrets"));
  list.action((flags: JsonFlags) =>
    withTokens(flags, context, async (source) => {
      const tokens = await source.list();
      const { out, err } = context.terminal;
      if (flags.json) for (const token of tokens) out.write(`${JSON.stringify(token)}\n`);
      else if (tokens.length === 0) err.write("no tokens: the server asks for none\n");
      else out.write(formatTextTable(columns, tokens.map(toRow)));
    }),
  );
  const revoke = command
    .command("revoke")
    .summary("revoke a token: its connections end within a second")
    .argument("<id>");
  addPlace(revoke).action((id: string, flags: JsonFlags) =>
    withTokens(flags, context, async (source) => {
      const token = await source.revoke(id);
      context.terminal.out.write(flags.json ? `${JSON.stringify(token)}\n` : `revoked ${token.id}\n`);
    }),
  );
  registerRotate(command, context);
}

function registerCreate(command: Command, context: CommandContext): void {
  const create = command
    .command("create")
    .summary("make a token")
    .option("--hwid <pattern>", "for devices with such ids: * stands for any characters, ? for one")
    .addOption(new Option("--role <role>", "for people and programs").choices(roles))
    .option("--name <name>", "to find it in lists")
    .option("--expires-d <days>", "days until it ends; default: never", positiveNumber);
  addPlace(create).action((flags: CreateFlags) => {
    const { hwid, role, name, expiresD } = flags;
    if ((hwid === undefined) === (role === undefined))
      throw new UsageError("give either --hwid, for devices, or --role, for people and programs");
    const wanted = {
      ...(hwid !== undefined && { hwid }),
      ...(role !== undefined && { role }),
      ...(name !== undefined && { name }),
      ...(expiresD !== undefined && { expires_days: expiresD }),
    };
    return withTokens(flags, context, async (source) => tell(await source.create(wanted), flags, context));
  });
}

function registerRotate(command: Command, context: CommandContext): void {
  const rotate = command
    .command("rotate")
    .summary("make the successor of a token; both are good for a while")
    .argument("<id>")
    .option("--overlap-h <hours>", "how long the old one stays good", wholeNumber(0, maxOverlapH), 24)
    .option("--expires-d <days>", "days until the new one ends; default: as many as the old one had", positiveNumber);
  addPlace(rotate).action((id: string, flags: RotateFlags) => {
    const { overlapH, expiresD } = flags;
    const wanted = { overlap_h: overlapH, ...(expiresD !== undefined && { expires_days: expiresD }) };
    return withTokens(flags, context, async (source) => tell(await source.rotate(id, wanted), flags, context));
  });
}

function addPlace(command: Command): Command {
  return command
    .option("--url <url>", "ask the server there, such as https://host, as an admin")
    .option("--data <folder>", "change the tokens of this data folder")
    .option("--token <token>", "of an admin, with --url; better in EET_TOKEN, which `ps` does not show")
    .option("--json", "as JSON");
}

/** The secret alone on standard output, so that a script can keep it. */
function tell({ token, secret }: MadeToken, { json }: JsonFlags, { terminal: { out, err } }: CommandContext): void {
  if (json) {
    out.write(`${JSON.stringify({ token, secret })}\n`);
    return;
  }
  const until = token.expires === null ? "" : `, until ${formatLocalTime(token.expires)}`;
  err.write(`token ${token.id}, for ${describeFor(token)}${until}; its secret is shown this once:\n`);
  out.write(`${secret}\n`);
}

function describeFor({ hwid, role }: ShownToken): string {
  return hwid === null ? `role ${role}` : `devices ${hwid}`;
}

function toRow(token: ShownToken): readonly string[] {
  const { id, name, state, expires, last_used: lastUsed } = token;
  const time = (iso: string | null) => (iso === null ? "never" : formatLocalTime(iso));
  return [id, describeFor(token), name, state, time(expires), time(lastUsed)];
}
