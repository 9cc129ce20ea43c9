import { type Signal, signal } from "@preact/signals";
import { storedChoice } from "../shell/stored-choice.ts";

/** How this browser records; all of it is remembered. */
export const choices = {
  hwid: storedText("mic.hwid", makeHwid),
  /** For people; empty: none. */
  name: storedText("mic.name", () => ""),
  /** Of an input; empty: the system's choice. */
  deviceId: storedText("mic.input", () => ""),
  codec: storedChoice("mic.codec", ["adpcm", "pcm16"]),
  rateHz: storedChoice("mic.rate", ["16000", "48000"]),
} as const;

/** Told apart from those of other browsers. */
function makeHwid(): string {
  return `mic-${Math.floor(Math.random() * 36 ** 4)
    .toString(36)
    .padStart(4, "0")}`;
}

function storedText(name: string, makeDefault: () => string): Signal<string> {
  const key = `eet.${name}`;
  let stored: string | null = null;
  try {
    stored = localStorage.getItem(key);
  } catch {
    // A browser that keeps nothing forgets it.
  }
  const text = signal(stored ?? makeDefault());
  text.subscribe((value) => {
    try {
      localStorage.setItem(key, value);
    } catch {
      // As above.
    }
  });
  return text;
}
