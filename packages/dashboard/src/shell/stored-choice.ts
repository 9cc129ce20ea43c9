import { type Signal, signal } from "@preact/signals";

/**
 * A choice that the browser remembers.
 *
 * @param allowed - the first one holds where nothing is remembered
 */
export function storedChoice<Choice extends string>(
  name: string,
  allowed: readonly [Choice, ...Choice[]],
): Signal<Choice> {
  const key = `eet.${name}`;
  const stored = readStored(key);
  const choice = signal(allowed.find((one) => one === stored) ?? allowed[0]);
  choice.subscribe((value) => {
    try {
      localStorage.setItem(key, value);
    } catch {
      // A browser that keeps nothing forgets it: no reason to fail.
    }
  });
  return choice;
}

function readStored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
