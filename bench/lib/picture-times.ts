import { ServerProcess } from "../../test/support/server-process.ts";
import { leftHwid } from "./left-segments.ts";

/** How long a picture of a range took. */
export interface PictureTime {
  readonly name: string;
  /** From asking until all of it is there. */
  readonly ms: number;
}

const pngMagic = Buffer.from([0x89, 0x50, 0x4e, 0x47]);
const size = "width=1024";

const pictures = [
  { name: "peaks", path: `peaks?${size}`, isSound: hasPeaks },
  {
    name: "spectrogram",
    path: `spectrogram?${size}&height=128`,
    isSound: (body: Buffer) => body.subarray(0, pngMagic.length).equals(pngMagic),
  },
] as const;

/**
 * Asks once for each picture of a range, each time a server that has just been started: nothing is kept of earlier requests.
 *
 * @param folder - in which a server has finished the segments of the range
 * @throws Error for an answer that is no such picture
 */
export async function timePictures(folder: string, range: string): Promise<readonly PictureTime[]> {
  const times: PictureTime[] = [];
  for (const { name, path, isSound } of pictures) {
    await using server = await ServerProcess.start({ folder });
    await server.recovered();
    const startMs = performance.now();
    const answer = await fetch(`http://127.0.0.1:${server.port}/api/v1/devices/${leftHwid}/${path}&${range}`);
    const body = Buffer.from(await answer.arrayBuffer());
    const ms = performance.now() - startMs;
    if (!answer.ok || !isSound(body)) throw new Error(`${path} answers ${answer.status}: ${body.subarray(0, 300)}`);
    times.push({ name, ms });
    await server.stop();
  }
  return times;
}

/** Whether there is a value in every column. */
function hasPeaks(body: Buffer): boolean {
  const { width, peaks } = JSON.parse(body.toString()) as { width: number; peaks: (number | null)[][] };
  return peaks.length === 1 && peaks[0]?.length === width * 2 && !peaks[0].includes(null);
}
