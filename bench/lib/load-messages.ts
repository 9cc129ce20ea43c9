import { type AdpcmState, encodeAdpcm, formatAdpcmHeader } from "@eet/audio";
import { formatFrame, type StreamFormat } from "@eet/protocol";
import { maskedMessage } from "./masked-message.ts";
import { readSpeech } from "./speech.ts";

/** The bundled speech lasts that long. */
const speechS = 10;

/** Some seconds of speech as whole WebSocket messages, encoded as a device does: one state from frame to frame. */
export function loadMessages({ codec, frameSampleCount }: StreamFormat): Buffer[] {
  const samples = readSpeech(speechS);
  const state: AdpcmState = { predictor: 0, stepIndex: 0 };
  return Array.from({ length: Math.floor(samples.length / frameSampleCount) }, (_, index) => {
    const frame = samples.slice(index * frameSampleCount, (index + 1) * frameSampleCount);
    const header = formatAdpcmHeader(state);
    const payload =
      codec === "adpcm" ? Buffer.concat([header, encodeAdpcm(frame, "low", state)]) : new Uint8Array(frame.buffer);
    return maskedMessage(2, formatFrame(codec, 0, payload));
  });
}
