import { useEffect, useRef, useState } from "preact/hooks";
import { formatCount } from "../format/format-amount.ts";

/** Takes pins away, once that is confirmed: retention may delete what is no longer pinned. */
export function UnpinButton({ count, onYes }: { readonly count: number; readonly onYes: () => void }) {
  const [isAsking, setAsking] = useState(false);
  if (isAsking) return <Question count={count} onYes={onYes} onNo={() => setAsking(false)} />;
  return (
    <button type="button" class="button" onClick={() => setAsking(true)}>
      Unpin
    </button>
  );
}

interface QuestionProps {
  readonly count: number;
  readonly onYes: () => void;
  readonly onNo: () => void;
}

function Question({ count, onYes, onNo }: QuestionProps) {
  const keep = useRef<HTMLButtonElement>(null);
  useEffect(() => keep.current?.focus(), []);
  const question =
    count === 1
      ? "Remove the pin that touches this range?"
      : `Remove ${formatCount(count, "pin")} that touch this range?`;
  return (
    <fieldset
      class="unpin-question"
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        event.stopPropagation();
        onNo();
      }}
    >
      <legend class="visually-hidden">Retention may then take what they keep</legend>
      <span>{question}</span>
      <button type="button" class="button is-danger" onClick={onYes}>
        Remove
      </button>
      <button ref={keep} type="button" class="button" onClick={onNo}>
        Keep
      </button>
    </fieldset>
  );
}
