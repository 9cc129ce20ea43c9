/**
 * Steps from one wrapping sequence number to another. [P-2.2]
 *
 * @returns -2^31 to 2^31 - 1; negative when `to` comes before `from`
 */
export function serialDistance(from: number, to: number): number {
  return (to - from) | 0;
}
