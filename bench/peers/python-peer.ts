import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Peer } from "./peer.ts";
import { checkPlainRecordings } from "./plain-recordings.ts";

/** The system's own Python: Debian's `python3-websockets` is for that one. */
const python = "/usr/bin/python3";

/** What is written first in Python, where the library `websockets` is installed. */
export const pythonPeer: Peer = {
  name: "python",
  description: "a server on Python's websockets that appends each message to a file: no sync, no WAV",
  hasAcks: false,
  keeps: "frames",
  missing: () =>
    spawnSync(python, ["-c", "import websockets"]).status === 0
      ? undefined
      : "Python's websockets is not installed: apt-get install python3-websockets",
  start: async (folder, { launcher = [] } = {}) => {
    const script = fileURLToPath(new URL("python-ws-server.py", import.meta.url));
    const [command = python, ...args] = [...launcher, python, script, folder];
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const number = async () => Number((await lines.next()).value);
    const port = await number();
    return {
      pid: child.pid ?? 0,
      port,
      stop: async () => {
        const exited = once(child, "exit");
        child.stdin.end("stop\n");
        await exited;
        return checkPlainRecordings(folder);
      },
    };
  },
};
