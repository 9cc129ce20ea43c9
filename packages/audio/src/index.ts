export { withoutSampleRate } from "./lib/flac-frame.ts";
export { FrameDecoder, type SampleSink } from "./lib/frame-decoder.ts";
export { HumMeter } from "./lib/hum-meter.ts";
export {
  type AdpcmState,
  adpcmHeaderBytes,
  adpcmSampleCount,
  decodeAdpcm,
  encodeAdpcm,
  formatAdpcmHeader,
  isReachableByOneCode,
  maxStepIndex,
  type NibbleOrder,
  parseAdpcmHeader,
} from "./lib/ima-adpcm.ts";
export { LevelMeter, type Levels } from "./lib/levels.ts";
export {
  decodeMultichannelAdpcm,
  type MultichannelFormat,
  type MultichannelLayout,
  multichannelSampleCount,
} from "./lib/multichannel.ts";
export { type DetectorFrame, NibbleOrderDetector, type NibbleOrderVerdict } from "./lib/nibble-order.ts";
export {
  type Overview,
  type OverviewGrid,
  OverviewMeter,
  overviewBinCount,
  overviewGrid,
} from "./lib/overview-meter.ts";
export { levelOfPower, PowerSpectrum, powerOfLevel } from "./lib/power-spectrum.ts";
export {
  columnBounds,
  type DrawnAudio,
  drawPeaks,
  drawSpectrogram,
  spectrumSizeFor,
  spectrumStarts,
} from "./lib/range-columns.ts";
export { bytesPerSample, convertToS16, type WavSampleFormat } from "./lib/sample-format.ts";
export { WavError, type WavErrorCode } from "./lib/wav-error.ts";
export type { WavFormat } from "./lib/wav-format.ts";
export { formatWavHeader, type WavHeaderFields, wavHeaderBytes } from "./lib/wav-header.ts";
export { parseWav, readWav, type WavInfo, type WavSource, WavStreamReader } from "./lib/wav-reader.ts";
export {
  type BroadcastExtension,
  formatWavTrailer,
  type WavTags,
  type WavTrailerFields,
} from "./lib/wav-trailer.ts";
