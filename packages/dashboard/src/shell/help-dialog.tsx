import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { singleKeys } from "./hotkeys.ts";

export const isHelpOpen = signal(false);

const groups = [
  {
    title: "Everywhere",
    keys: [
      ["g f", "Fleet"],
      ["g a", "Add a device"],
      ["g m", "Microphone"],
      ["g s", "Storage"],
      ["g t", "Access"],
      ["?", "These keys"],
      ["Esc", "Back, or close"],
    ],
  },
  {
    title: "Fleet",
    keys: [
      ["/", "Search"],
      ["← ↑ ↓ →", "Move between devices"],
      ["j k", "Down, up"],
      ["Enter", "Open"],
      ["v", "Tiles or rows"],
    ],
  },
  {
    title: "Device",
    keys: [
      ["l", "Listen, stop"],
      ["m", "Mute"],
      ["← →", "Earlier, later"],
      ["End", "Back to live"],
      ["a", "Archive"],
    ],
  },
  {
    title: "Microphone",
    keys: [["r", "Start, stop"]],
  },
  {
    title: "Archive",
    keys: [
      ["Space k", "Play, pause"],
      ["j l", "10 s back, ahead"],
      ["m", "Mute"],
      ["← →", "Move"],
      ["+ −", "Zoom"],
      ["[ ]", "Select from, to"],
      ["g", "Go to a time"],
    ],
  },
] as const;

/** What the keyboard can do. */
export function HelpDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const isOpen = isHelpOpen.value;
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isOpen]);
  const note = () => {
    isHelpOpen.value = false;
  };
  // At once, not with the next frame: keys that follow belong to the page again.
  const close = () => dialog.current?.close();
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="help-title" onClose={note}>
      <div class="dialog-head">
        <h2 id="help-title">Keyboard</h2>
        <button type="button" class="button is-quiet" onClick={close}>
          Close
        </button>
      </div>
      <div class="help-groups">
        {groups.map(({ title, keys }) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl class="help-keys">
              {keys.map(([key, meaning]) => (
                <div key={key}>
                  <dt>
                    {key.split(" ").map((one) => (
                      <kbd key={one}>{one}</kbd>
                    ))}
                  </dt>
                  <dd>{meaning}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <label class="help-choice">
        <input
          type="checkbox"
          checked={singleKeys.value === "on"}
          onChange={(event) => {
            singleKeys.value = event.currentTarget.checked ? "on" : "off";
          }}
        />
        Letters and signs are keys; if not, only arrows, Space, Enter, End and Esc are
      </label>
    </dialog>
  );
}
