import { effect } from "@preact/signals";
import { storedChoice } from "./stored-choice.ts";

/** Colours: as the system has them, or as chosen. */
export const theme = storedChoice("theme", ["system", "light", "dark"]);

/** Shows the chosen theme from now on; `public/theme.js` does so before the first paint. */
export function followTheme(): void {
  effect(show);
  systemDark.addEventListener("change", show);
}

const systemDark = matchMedia("(prefers-color-scheme: dark)");

function show(): void {
  document.documentElement.dataset["theme"] = isDarkTheme() ? "dark" : "light";
  for (const listener of listeners) listener();
}

const listeners = new Set<() => void>([readColours]);

/** Colours for canvases, which know no custom properties. */
export interface CanvasColours {
  readonly text: string;
  readonly muted: string;
  readonly line: string;
  readonly lineStrong: string;
  readonly surface: string;
  readonly sunken: string;
  readonly accent: string;
  readonly wave: string;
  readonly waveQuiet: string;
  readonly clipping: string;
  readonly gap: string;
}

let colours: CanvasColours | undefined;

/** The colours of the theme that is shown. */
export function canvasColours(): CanvasColours {
  colours ??= readColours();
  return colours;
}

/** Calls back when the theme has changed. */
export function onThemeChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function readColours(): CanvasColours {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string) => style.getPropertyValue(`--${name}`).trim();
  colours = {
    ...{ text: read("text"), muted: read("muted"), line: read("line"), surface: read("surface") },
    ...{ sunken: read("sunken"), accent: read("accent"), wave: read("wave"), waveQuiet: read("wave-quiet") },
    ...{ clipping: read("clipping"), gap: read("gap"), lineStrong: read("line-strong") },
  };
  return colours;
}

/** Whether the dark colours are shown. */
export function isDarkTheme(): boolean {
  return theme.value === "system" ? systemDark.matches : theme.value === "dark";
}
