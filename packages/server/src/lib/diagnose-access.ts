import { statSync } from "node:fs";
import { isLoopbackHost } from "./access/host-policy.ts";
import { isTokenValid, type Token } from "./access/token.ts";
import type { Settings } from "./config/settings.ts";
import { type Finding, failure, warning, well } from "./doctor/finding.ts";
import { accessPathOf, openTokenBook } from "./guarding.ts";
import type { Clock } from "./kernel/clock.ts";
import { StorageError } from "./kernel/errors.ts";
import { silentLog } from "./kernel/log.ts";
import { describeReach } from "./listening/reach.ts";

const check = "access";
const soonMs = 7 * 24 * 3_600_000;
const makeAdmin = "Make one with `eet token create --role admin`.";

/** Says who is let in by a server with these settings: the state of its tokens. */
export function diagnoseAccess(settings: Settings, dataFolder: string, clock: Clock): Finding {
  try {
    const book = openTokenBook(dataFolder, { clock, log: silentLog });
    const tokens = book.list();
    book.close();
    return tokens.length === 0 ? judgeNone(settings) : judgeTokens(tokens, settings, dataFolder, clock.wallMs());
  } catch (thrown) {
    if (!(thrown instanceof StorageError)) throw thrown;
    return failure(check, thrown.message, thrown.row.fix);
  }
}

function judgeNone({ server, oidc }: Settings): Finding {
  if (oidc.issuer !== undefined) {
    const message = `people log in by ${oidc.issuer}; there is no token, so that devices and programs are refused`;
    return warning(check, message, "Make tokens of devices: `eet token create --hwid ID`.");
  }
  const reach = describeReach(server, isLoopbackHost);
  if (reach === undefined && !server.insecureOpen)
    return well(check, "no token was ever made: open to every program of this machine");
  const fix = `${makeAdmin} Devices need tokens, too: \`eet token create --hwid ID\`.`;
  if (!server.insecureOpen) {
    return failure(check, `${reach} lets the network reach the server, which does not start without a token`, fix);
  }
  const how = `${reach === undefined ? "" : `${reach} `}--insecure-open`;
  return warning(check, `INSECURE: everybody who reaches the server may do everything (${how})`, fix);
}

function judgeTokens(tokens: readonly Token[], { oidc }: Settings, dataFolder: string, nowMs: number): Finding {
  const good = tokens.filter((token) => isTokenValid(token, nowMs));
  const message = countTokens(tokens, good);
  if (good.length === 0 && oidc.issuer === undefined) {
    return failure(check, `${message}: nobody is let in`, `${makeAdmin} \`eet token list\` shows what ended.`);
  }
  const hasAdmin = good.some(({ role }) => role === "admin") || [...oidc.roleOfValue.values()].includes("admin");
  if (!hasAdmin) return warning(check, `${message}; nobody can administer the server`, makeAdmin);
  const ending = good.filter(({ expiresMs }) => expiresMs !== null && expiresMs < nowMs + soonMs);
  if (ending.length > 0) {
    const names = ending.map(({ id, name }) => (name === "" ? id : `${id} (${name})`)).join(", ");
    return warning(check, `${message}; within a week end ${names}`, "Make successors in time: `eet token rotate ID`.");
  }
  const path = accessPathOf(dataFolder);
  // Windows has no such rights.
  const isOpen = process.platform !== "win32" && (statSync(path).mode & 0o077) !== 0;
  if (isOpen) return warning(check, `others than its owner may read or write ${path}`, "Take that right: chmod 600.");
  return well(check, message);
}

function countTokens(tokens: readonly Token[], good: readonly Token[]): string {
  const devices = good.filter(({ kind }) => kind === "device").length;
  const admins = good.filter(({ role }) => role === "admin").length;
  const others = good.length - devices - admins;
  const revoked = tokens.filter(({ revokedMs }) => revokedMs !== null).length;
  const expired = tokens.length - good.length - revoked;
  const parts = `${admins} of admins, ${others} of other people and programs, ${devices} of devices`;
  return `tokens that are good: ${good.length} (${parts}); past their time: ${expired}; revoked: ${revoked}`;
}
