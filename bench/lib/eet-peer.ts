import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Sidecar, verifyFolder } from "@eet/server";
import { ServerProcess } from "../../test/support/server-process.ts";
import type { Peer, StoredFrames } from "./peer.ts";

/** This project's server, as `eet serve` runs it. */
export const eetPeer: Peer = {
  name: "eet",
  start: async (folder) => {
    const server = await ServerProcess.start({ folder, flags: ["--log-level", "info"] });
    return {
      pid: server.pid,
      port: server.port,
      stop: async () => {
        const code = await server.stop();
        if (code !== 0) throw new Error(`the server ended with ${code}: ${server.errors}`);
        return countFrames(join(folder, "data/received"));
      },
    };
  },
};

async function countFrames(root: string): Promise<StoredFrames> {
  let [frameCount, gapCount, problemCount] = [0, 0, 0];
  for await (const { segment, problems, isOpen } of verifyFolder(root)) {
    const sidecar: Sidecar = JSON.parse(await readFile(join(root, `${segment}.json`), "utf8"));
    frameCount += sidecar.frames;
    gapCount += sidecar.gaps.length;
    problemCount += problems.length + (isOpen ? 1 : 0);
  }
  return { frameCount, gapCount, problemCount };
}
