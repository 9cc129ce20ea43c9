/**
 * Points of matplotlib's "magma", from dark to bright: as bright as it is loud, also in grey and for colour-blind eyes.
 */
const points = [
  0x000004, 0x180f3d, 0x440f76, 0x721f81, 0x9e2f7f, 0xcd4071, 0xf1605d, 0xfd9668, 0xfeca8d, 0xfcfdbf,
] as const;

/** Red, green and blue of a place on the map, 0 to 255. @param place - 0 to 1; what lies outside is taken as the end */
export function colourAt(place: number): readonly [number, number, number] {
  const at = Math.min(Math.max(place, 0), 1) * (points.length - 1);
  const index = Math.min(Math.floor(at), points.length - 2);
  const [low, high] = [points[index] as number, points[index + 1] as number];
  const channel = (shift: number) => {
    const [from, to] = [(low >> shift) & 255, (high >> shift) & 255];
    return Math.round(from + (to - from) * (at - index));
  };
  return [channel(16), channel(8), channel(0)];
}
