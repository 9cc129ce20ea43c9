import { useState } from "preact/hooks";
import { mayOperate } from "../api/access.ts";
import { describeError } from "../api/api-client.ts";
import { formatCount } from "../format/format-amount.ts";
import { Icon } from "../shell/icon.tsx";
import { retryUploads } from "./storage-store.ts";

/** Tries failed uploads again at once, and says what came of the wish. */
export function RetryButton({
  word,
  label,
  which,
}: {
  /** Left out: the drawing alone. */
  readonly word?: string;
  /** For readers of the screen: what of several it is. */
  readonly label: string;
  readonly which: Parameters<typeof retryUploads>[0];
}) {
  const isAllowed = mayOperate.value;
  const [note, setNote] = useState("");
  const [isBusy, setBusy] = useState(false);
  const retry = async () => {
    setBusy(true);
    try {
      const count = await retryUploads(which);
      setNote(count === 0 ? "On their way" : `${formatCount(count, "file")} on ${count === 1 ? "its" : "their"} way`);
    } catch (error) {
      setNote(describeError(error));
    }
    setBusy(false);
  };
  if (!isAllowed) return null;
  return (
    <span class="retry">
      <button
        type="button"
        class={word === undefined ? "button is-quiet is-square" : "button"}
        title={label}
        aria-label={label}
        disabled={isBusy}
        onClick={retry}
      >
        <Icon name="again" size={16} />
        {word}
      </button>
      <span class={word === undefined ? "visually-hidden" : "muted"} role="status">
        {note}
      </span>
    </span>
  );
}
