/** Of all simulated sounds. */
export const simulatedRateHz = 16_000;

/** A sound without end. */
export interface SoundSource {
  /** Fills `samples` with what comes next. */
  read(samples: Int16Array): void;
}

/** To 16 bit; what is louder is cut off, as by a microphone. */
export function toSample(value: number): number {
  return Math.max(-32_768, Math.min(32_767, Math.round(value * 32_768)));
}
