const fullScale = 32768;
/** In 0.01 dB: below the level of any 16-bit signal but silence. */
const floorCentiDb = -12_000;

/** A magnitude, 0 to 32768, in 0.01 dB relative to full scale; -12000 at least. */
export function centiDb(magnitude: number): number {
  return magnitude <= 0 ? floorCentiDb : Math.max(floorCentiDb, Math.round(2000 * Math.log10(magnitude / fullScale)));
}
