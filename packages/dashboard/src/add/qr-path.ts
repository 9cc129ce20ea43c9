import { encode } from "uqr";

/** A QR code as a drawing: squares of 1 by 1 in `size` by `size`, a quiet border of 2 around. */
export function qrPath(text: string): { readonly path: string; readonly size: number } {
  const { data, size } = encode(text, { border: 2 });
  const path = data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : []))).join("");
  return { path, size };
}
