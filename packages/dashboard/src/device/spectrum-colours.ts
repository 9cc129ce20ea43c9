type Colour = readonly [number, number, number];

/** From nothing to full scale; both run evenly from the page's ground to its opposite. */
const darkStops: readonly Colour[] = [
  [15, 20, 21],
  [16, 52, 58],
  [22, 106, 104],
  [82, 190, 150],
  [226, 226, 130],
  [255, 250, 225],
];
const lightStops: readonly Colour[] = [
  [246, 248, 248],
  [205, 228, 226],
  [120, 184, 178],
  [24, 122, 117],
  [12, 66, 74],
  [8, 22, 30],
];

/** Levels that the outermost colours stand for, as bytes of a spectrum column (half a dB each, 255 is full scale). */
const lowest = 75;
const highest = 228;

/** Colour of each level as RGBA, 256 of them. Level 0, nothing received, is transparent. */
export function spectrumColours(isDark: boolean): Uint32Array {
  const stops = isDark ? darkStops : lightStops;
  const bytes = new Uint8ClampedArray(256 * 4);
  for (let level = 1; level < 256; level += 1) {
    const share = Math.min(1, Math.max(0, (level - lowest) / (highest - lowest)));
    const place = share * (stops.length - 1);
    const from = stops[Math.floor(place)] ?? [0, 0, 0];
    const to = stops[Math.ceil(place)] ?? from;
    const part = place - Math.floor(place);
    for (let channel = 0; channel < 3; channel += 1) {
      bytes[level * 4 + channel] = (from[channel] ?? 0) * (1 - part) + (to[channel] ?? 0) * part;
    }
    bytes[level * 4 + 3] = 255;
  }
  return new Uint32Array(bytes.buffer);
}
