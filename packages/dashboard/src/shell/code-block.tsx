import { Fragment } from "preact";
import { useState } from "preact/hooks";
import { copyText } from "./copy-text.ts";
import { Icon } from "./icon.tsx";

/** Text to be copied and run elsewhere; one line is wrapped where it is too long, more are scrolled. */
export function CodeBlock({ text, label }: { readonly text: string; readonly label: string }) {
  return (
    <div class={`code-block ${text.includes("\n") ? "" : "is-wrapped"}`}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard */}
      <section class="code-scroll" tabIndex={0} aria-label={label}>
        <pre>
          <code>{text.includes("\n") ? text : <Words text={text} />}</code>
        </pre>
      </section>
      <CopyButton text={text} label={`Copy: ${label}`} />
    </div>
  );
}

function Words({ text }: { readonly text: string }) {
  return (
    <>
      {text.split(" ").map((word, at) => (
        <Fragment key={at}>
          {at > 0 && " "}
          <span class="word">{word}</span>
        </Fragment>
      ))}
    </>
  );
}

const outcomes = { none: "", copied: "Copied", failed: "Could not copy" } as const;

/** Copies a text and says whether it did. */
export function CopyButton({
  text,
  label,
  word,
}: {
  readonly text: string;
  readonly label: string;
  readonly word?: string;
}) {
  const [outcome, setOutcome] = useState<keyof typeof outcomes>("none");
  const copy = async () => {
    setOutcome((await copyText(text)) ? "copied" : "failed");
    setTimeout(() => setOutcome("none"), 2_500);
  };
  const said = outcomes[outcome];
  const isSquare = word === undefined && outcome !== "failed";
  return (
    <button
      type="button"
      class={`button ${word === undefined ? "is-quiet" : ""} ${isSquare ? "is-square" : ""} copy-button`}
      aria-label={label}
      title={label}
      onClick={copy}
    >
      <Icon name={outcome === "copied" ? "check" : outcome === "failed" ? "close" : "copy"} />
      {isSquare ? "" : said || word}
      <span class="visually-hidden" role="status">
        {said}
      </span>
    </button>
  );
}
