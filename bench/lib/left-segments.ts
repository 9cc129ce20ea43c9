import { join } from "node:path";
import { adpcmFrames, leaveSegment } from "../../packages/server/src/lib/finishing/segment-fixture.test-support.ts";
import { readBootId } from "../../packages/server/src/lib/storage/boot-id-store.ts";
import { readSpeech, speechRateHz } from "./speech.ts";

const frameSampleCount = 320;

/** Segments as a killed server leaves them. */
export interface LeftSegments {
  /** Of the folder that the server is started in. */
  readonly folder: string;
  readonly segmentCount: number;
  /** Audio in each. */
  readonly seconds: number;
  /** `devices`: each of a device of its own; `session`: one after the other of one session of one device. */
  readonly of: "devices" | "session";
}

/** The device of a session that {@link leaveSegments} left. */
export const leftHwid = "left-00000";
/** The session itself. */
export const leftSession = "session0";

/** Writes open segments of 16 kHz ADPCM for a server to finish. */
export function leaveSegments({ folder, segmentCount, seconds, of }: LeftSegments): void {
  const frames = adpcmFrames(readSpeech(seconds), frameSampleCount, "low");
  const bootId = readBootId();
  for (let index = 0; index < segmentCount; index += 1) {
    const isSession = of === "session";
    const hwid = isSession ? leftHwid : `left-${String(index).padStart(5, "0")}`;
    const first = isSession ? index * frames.length : 0;
    const start = { seq: first, sample: isSession ? index * seconds * speechRateHz : 0 };
    leaveSegment(
      join(folder, "data/received"),
      frames.map(({ seq, payload }) => ({ seq: first + seq, payload })),
      {
        ...{ hwid, session: isSession ? leftSession : `session${index}`, index: isSession ? index : 0 },
        opening: { bootId, folder: hwid, start },
      },
    );
  }
}
