import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { roundTripAdpcm } from "./support/python-oracle.ts";
import { findFaults, joinWavs, readSegments } from "./support/recordings.ts";
import { runEet, runPythonClient } from "./support/run-command.ts";
import { ServerProcess } from "./support/server-process.ts";
import { readSpeech, speechPath } from "./support/source-audio.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";
import { skipWithout } from "./support/tools.ts";

const skip = skipWithout("/usr/bin/python3");

/** What one client sends. */
interface Voice {
  readonly run: typeof runEet;
  readonly args: readonly string[];
  readonly input?: Uint8Array;
  readonly expected: Uint8Array;
  readonly nibbleOrder: { readonly order: "low" | "high"; readonly source: "config" | "exact" } | null;
}

describe("eet stream and the Python client side by side", () => {
  it("are recorded alike, in both codecs and both nibble orders", { skip }, async (t) => {
    await using folder = await makeTemporaryFolder();
    const speech = await readSpeech();
    const decoded = roundTripAdpcm(speech, { frameSampleCount: 320, sampleCount: speech.length / 2 });
    const file = ["--wav", speechPath];
    const low = { order: "low", source: "exact" } as const;
    const high = { order: "high", source: "exact" } as const;
    // Where acknowledgements are, the client says it.
    const toldLow = { order: "low", source: "config" } as const;
    const toldHigh = { order: "high", source: "config" } as const;
    const voices: Readonly<Record<string, Voice>> = {
      "eet-adpcm": { run: runEet, args: file, expected: decoded, nibbleOrder: toldLow },
      "eet-plain": { run: runEet, args: [...file, "--plain"], expected: decoded, nibbleOrder: low },
      "eet-high": { run: runEet, args: [...file, "--nibble-order", "high"], expected: decoded, nibbleOrder: toldHigh },
      "eet-pcm": { run: runEet, args: [...file, "--codec", "pcm"], expected: speech, nibbleOrder: null },
      "eet-pipe": {
        run: runEet,
        args: ["--wav", "-", "--raw"],
        input: speech,
        expected: decoded,
        nibbleOrder: toldLow,
      },
      "python-adpcm": { run: runPythonClient, args: file, expected: decoded, nibbleOrder: high },
      "python-low": {
        run: runPythonClient,
        args: [...file, "--nibble-order", "low"],
        expected: decoded,
        nibbleOrder: low,
      },
      "python-pcm": { run: runPythonClient, args: [...file, "--codec", "pcm"], expected: speech, nibbleOrder: null },
      "python-pipe": {
        run: runPythonClient,
        args: ["--wav", "-", "--raw"],
        input: speech,
        expected: decoded,
        nibbleOrder: high,
      },
    };

    await using server = await ServerProcess.start({ folder: folder.path, flags: ["--rotate-s", "4"] });
    await Promise.all(
      Object.entries(voices).map(async ([hwid, { run, args, input }]) => {
        const command = run === runEet ? ["stream"] : [];
        const flags = [...command, "--url", server.url, "--hwid", hwid, ...args];
        const { exitCode, err } = await run(flags, { folder: folder.path, ...(input && { input }) });
        assert.equal(exitCode, 0, `${hwid}: ${err}`);
      }),
    );
    assert.equal(await server.stop(), 0, server.errors);
    assert.deepEqual(server.problems, [], "lines of warning in the server's log");

    const received = `${folder.path}/data/received`;
    assert.deepEqual(await findFaults(received), []);
    const segments = await readSegments(received);
    for (const [hwid, { expected, nibbleOrder }] of Object.entries(voices)) {
      const own = segments.filter(({ sidecar }) => sidecar.hwid === hwid);
      assert.ok((await joinWavs(own)).equals(expected), `the audio of ${hwid}`);
      for (const { sidecar } of own) assert.deepEqual(sidecar.nibble_order, nibbleOrder, `the nibble order of ${hwid}`);
    }
    t.diagnostic(`${Object.keys(voices).length} clients, ${segments.length} segments`);
  });
});
