import { useEffect } from "preact/hooks";
import { storedChoice } from "./stored-choice.ts";

/** What keys do, by their names; two keys in turn are written with a space: `g f`. */
export type Hotkeys = Readonly<Record<string, (event: KeyboardEvent) => void>>;

/** Whether letters and signs do something: who speaks to the machine may not want it. */
export const singleKeys = storedChoice("keys", ["on", "off"]);

/** Time for the second key of two. */
const sequenceMs = 1_200;

const active: Hotkeys[] = [];
let prefix = "";
let prefixTime = 0;

/** Gives keys a meaning while a view is shown; the view shown last comes first. */
export function useHotkeys(hotkeys: Hotkeys): void {
  useEffect(() => {
    active.unshift(hotkeys);
    return () => {
      active.splice(active.indexOf(hotkeys), 1);
    };
  });
}

/**
 * Begins to listen to the keyboard. A key may have a meaning of its own and begin others (`g`, `g f`): then it acts at once,
 * and what follows soon makes it the other one, even in a field that it has opened.
 */
export function followKeys(): void {
  document.addEventListener("keydown", take);
  document.addEventListener("pointerdown", () => {
    prefix = "";
  });
}

function take(event: KeyboardEvent): void {
  if (event.metaKey || event.ctrlKey || event.altKey || event.defaultPrevented) return;
  const sequence = event.timeStamp - prefixTime < sequenceMs && prefix !== "" ? `${prefix} ${event.key}` : "";
  const second = findAction(sequence);
  // Shift alone is on its way to a sign.
  if (event.key !== "Shift") prefix = "";
  if (second === undefined && isTyping(event)) return;
  if (singleKeys.peek() === "off" && event.key !== " " && event.key.length === 1) return;
  const action = second ?? findAction(event.key);
  if (second === undefined && beginsOthers(event.key)) {
    prefix = event.key;
    prefixTime = event.timeStamp;
  }
  if (action === undefined) return;
  event.preventDefault();
  action(event);
}

function findAction(name: string): ((event: KeyboardEvent) => void) | undefined {
  return active.find((hotkeys) => Object.hasOwn(hotkeys, name))?.[name];
}

function beginsOthers(key: string): boolean {
  return active.some((hotkeys) => Object.keys(hotkeys).some((name) => name.startsWith(`${key} `)));
}

/** Keys belong to what is typed into, to a button that is pressed, and to an open dialog; only Escape leaves a field. */
function isTyping({ target, key }: KeyboardEvent): boolean {
  if (document.querySelector("dialog[open]") !== null) return true;
  if (!(target instanceof HTMLElement) || key === "Escape") return false;
  if (target instanceof HTMLInputElement && ["range", "checkbox"].includes(target.type)) {
    return key.startsWith("Arrow") || key === " " || key === "End";
  }
  if (["BUTTON", "A", "SUMMARY"].includes(target.tagName)) return key === " " || key === "Enter";
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}
