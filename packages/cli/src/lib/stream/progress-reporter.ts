import type { TextOutput } from "../terminal.ts";

const redrawIntervalMs = 100;
const lineIntervalMs = 1_000;
const eraseLine = "\x1b[2K";

/** Shows how a command goes on until it is stopped. */
export interface ProgressReporter {
  start(): void;
  /** Writes a line that stays. */
  note(line: string): void;
  /** Shows the last state once more where it stays visible, and ends. */
  stop(): void;
}

/**
 * Writes what `line` gives once a second.
 *
 * @param notes - where notes go; default: among the lines
 */
export function createLineReporter(output: TextOutput, line: () => string, notes = output): ProgressReporter {
  let timer: NodeJS.Timeout | undefined;
  return {
    start: () => {
      timer = setInterval(() => output.write(`${line()}\n`), lineIntervalMs);
    },
    note: (note) => notes.write(`${note}\n`),
    stop: () => clearInterval(timer),
  };
}

/** Redraws what `lines` gives in place, ten times a second. Lines must not be wider than the terminal. */
export function createTableReporter(output: TextOutput, lines: () => readonly string[]): ProgressReporter {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let drawnLineCount = 0;
  const draw = (note: readonly string[] = []) => {
    const current = lines();
    const up = drawnLineCount === 0 ? "" : `\x1b[${drawnLineCount}A`;
    output.write(`${up}${[...note, ...current].map((line) => `${eraseLine}${line}\n`).join("")}\x1b[J`);
    drawnLineCount = current.length;
  };
  return {
    start: () => {
      timer = setInterval(draw, redrawIntervalMs);
    },
    note: (note) => {
      if (isStopped) output.write(`${note}\n`);
      else draw([note]);
    },
    stop: () => {
      clearInterval(timer);
      draw();
      isStopped = true;
    },
  };
}
