// One setup of a clone at a time. Plain JavaScript for Node 20, as setup.mjs.
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Time between two looks at a lock that another process has. */
const lookIntervalMs = 200;
/** What says that a folder is there already, and not empty. */
const takenCodes = process.platform === "win32" ? ["EPERM", "EACCES", "EEXIST"] : ["ENOTEMPTY", "EEXIST"];

/**
 * Takes the lock, or waits for it. It is a folder with one file, which is named after its holder; a folder is renamed to its
 * place only where none is, or an empty one. A holder that lives no more is found by its process, and only its own file is
 * removed, so that nobody can take the lock of somebody alive. It ends with the process at the latest.
 *
 * @param {string} path - of the folder
 * @param {(pid: number) => void} onWait - called once, with whom it waits for
 * @returns {Promise<{ hold: (pid: number) => void, release: () => void }>} `hold` names a child at work: until that one has
 *   ended the lock is held, even if this process is killed
 */
export async function takeLock(path, onWait) {
  const name = `${identify(process.pid)}-${randomBytes(6).toString("hex")}`;
  let hasWaited = false;
  while (!claim(path, name)) {
    const pid = findHolder(path);
    if (pid === undefined) continue;
    if (!hasWaited) onWait(pid);
    hasWaited = true;
    await sleep(lookIntervalMs);
  }
  const release = () => clear(path, name);
  process.once("exit", release);
  return { hold: (pid) => writeFileSync(`${path}/${name}`, identify(pid)), release };
}

function claim(path, name) {
  const draft = `${path}.${name}`;
  mkdirSync(draft);
  try {
    writeFileSync(`${draft}/${name}`, "");
    renameSync(draft, path);
    return true;
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (takenCodes.includes(error.code)) return false;
    throw error;
  }
}

/** The process that the lock waits for; what one that ended has left is removed. */
function findHolder(path) {
  const [name] = unlessGone(() => readdirSync(path)) ?? [];
  const child = name === undefined ? undefined : unlessGone(() => readFileSync(`${path}/${name}`, "utf8"));
  for (const identity of [name, child]) if (identity && isAlive(identity)) return Number.parseInt(identity, 10);
  clear(path, name);
  return undefined;
}

function clear(path, name) {
  if (name !== undefined) rmSync(`${path}/${name}`, { force: true });
  try {
    rmdirSync(path);
  } catch {
    // Another one has it by now.
  }
}

/** A process by its number and start: numbers come again, in containers at once. */
function identify(pid) {
  return `${pid}-${startOf(pid) ?? "unknown"}`;
}

function isAlive(identity) {
  const [pid, start] = identity.split("-");
  if (Number(pid) === process.pid) return false;
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    // EPERM: it belongs to another user.
    return error.code !== "ESRCH";
  }
  const found = startOf(pid);
  return start === "unknown" || found === undefined || found === start;
}

/** In ticks since the machine started; of a process that nobody has buried: "ended". @returns `undefined` but on Linux */
function startOf(pid) {
  const stat = unlessGone(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  // The name of the program comes before, in parentheses, and may hold anything.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields?.[0] === "Z" ? "ended" : fields?.[19];
}

function unlessGone(read) {
  try {
    return read();
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES"].includes(error.code)) return undefined;
    throw error;
  }
}
