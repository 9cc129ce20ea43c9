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
