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
/** What has the focus for it was clicked: whoever did that looks at the view, not at the button. */
let clicked: Element | undefined;

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
  document.addEventListener("click", ({ target, detail }) => {
    // One that the keyboard has made counts no clicks.
    clicked = detail > 0 && target instanceof Element ? (target.closest("button, summary") ?? undefined) : undefined;
  });
  // Not that of the same again: the window may have been away.
  document.addEventListener("focusin", ({ target }) => {
    if (target !== clicked) clicked = undefined;
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
  if (event.key === " ") leaveAlone(event.target);
  action(event);
}

/** Some browsers press a button when the key comes up, whatever was said when it went down. */
function leaveAlone(target: EventTarget | null): void {
  target?.addEventListener("keyup", (event) => event.preventDefault(), { once: true });
}

function findAction(name: string): ((event: KeyboardEvent) => void) | undefined {
  return active.find((hotkeys) => Object.hasOwn(hotkeys, name))?.[name];
}

function beginsOthers(key: string): boolean {
  return active.some((hotkeys) => Object.keys(hotkeys).some((name) => name.startsWith(`${key} `)));
}

/**
 * Keys belong to what is typed into, to a button that the keyboard has come to, and to an open dialog; only Escape leaves a
 * field.
 */
function isTyping({ target, key }: KeyboardEvent): boolean {
  if (document.querySelector("dialog[open]") !== null) return true;
  if (!(target instanceof HTMLElement) || key === "Escape") return false;
  if (target instanceof HTMLInputElement && target.type === "range") return /^(?:Arrow|Page|Home|End)/.test(key);
  if (target instanceof HTMLInputElement && target.type === "checkbox") return key === " ";
  if (target.tagName === "A") return key === "Enter";
  if (["BUTTON", "SUMMARY"].includes(target.tagName)) return key === "Enter" || (key === " " && target !== clicked);
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}
