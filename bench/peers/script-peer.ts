import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Peer } from "./peer.ts";
import { checkPlainRecordings } from "./plain-recordings.ts";

/** Counts and drops: what a server on `ws` costs at least. */
export const nullWsPeer = scriptPeer("null-ws-server.ts", {
  name: "null-ws",
  description: "a server on ws that counts messages and drops them: the floor, it records nothing",
  keeps: "nothing",
});

/** What is written first. */
export const naiveWsPeer = scriptPeer("naive-ws-server.ts", {
  name: "naive-ws",
  description: "a server on ws that appends each message to a file and its decode to a WAV as it comes: no sync",
  keeps: "wavs",
});

/**
 * A peer that is a script of this folder: it gets its folder as argument, sends its port by IPC once it listens, and the
 * number of frames it received, where it stores none, once it is sent anything and has stored all.
 */
function scriptPeer(
  scriptName: string,
  { name, description, keeps }: Pick<Peer, "name" | "description" | "keeps">,
): Peer {
  const path = fileURLToPath(new URL(scriptName, import.meta.url));
  return {
    ...{ name, description, keeps, hasAcks: false },
    start: async (folder, { launcher = [] } = {}) => {
      const [command = process.execPath, ...args] = [...launcher, process.execPath, path, folder];
      const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
      const port = Number(await messageOf(child));
      return {
        pid: child.pid ?? 0,
        port,
        stop: async () => {
          const frameCount = await stop(child);
          return keeps === "nothing" ? { frameCount, gapCount: 0, problemCount: 0 } : checkPlainRecordings(folder);
        },
      };
    },
  };
}

/** @returns the frames that it says it received */
async function stop(child: ChildProcess): Promise<number> {
  const exited = once(child, "exit");
  child.send("stop");
  const frameCount = Number(await messageOf(child));
  child.disconnect();
  await exited;
  return frameCount;
}

async function messageOf(child: ChildProcess): Promise<unknown> {
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`the peer ended with ${code}`);
  });
  ended.catch(() => {}); // It ends in its time, too.
  const [message] = await Promise.race([once(child, "message"), ended]);
  return message;
}
