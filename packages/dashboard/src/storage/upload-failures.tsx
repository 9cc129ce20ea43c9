import type { Storage } from "@eet/server/api-types";
import { useState } from "preact/hooks";
import { nowMs } from "../api/page-live.ts";
import { StateShape } from "../fleet/state-badge.tsx";
import { formatBytes, formatCount } from "../format/format-amount.ts";
import { formatDuration } from "../format/format-time.ts";
import { FixText } from "../shell/fix-text.tsx";
import { Since } from "../shell/time.tsx";
import { nameVariables } from "./retention-words.ts";
import { RetryButton } from "./retry-button.tsx";
import { UploadList } from "./upload-list.tsx";

type Uploads = NonNullable<Storage["uploads"]>;
type Failure = Uploads["failures"][number];

/** What is in the way of uploads: of the store as a whole, and of single files. */
export function UploadFailures({ uploads }: { readonly uploads: Uploads }) {
  const { trouble, failures } = uploads;
  if (trouble === null && failures.length === 0) return null;
  const isSame = trouble !== null && failures.length === 1 && failures[0]?.code === trouble.code;
  return (
    <div class="upload-failures">
      {trouble !== null && <Trouble trouble={trouble} />}
      {failures.map((failure) => (
        <FailureGroup key={failure.code} failure={failure} isExplained={isSame} />
      ))}
      {failures.length > 1 && <RetryButton word="Try all again now" label="Try all again now" which={{}} />}
    </div>
  );
}

/** The store as a whole cannot be used: everything waits. */
function Trouble({ trouble }: { readonly trouble: NonNullable<Uploads["trouble"]> }) {
  return (
    <div class="notice">
      <p class="notice-title">
        <StateShape state="clipping" />
        <span>
          <strong>{trouble.title}</strong>
          <span class="muted">
            uploads wait, next try <NextTry timeMs={Date.parse(trouble.next_try)} />
          </span>
        </span>
      </p>
      <p>
        <FixText text={nameVariables(trouble.fix)} />
      </p>
      <p class="notice-reason mono">{trouble.reason}</p>
      <RetryButton word="Try again now" label="Try again now: the object store" which={{}} />
    </div>
  );
}

function FailureGroup({ failure, isExplained }: { readonly failure: Failure; readonly isExplained: boolean }) {
  const [isOpen, setOpen] = useState(false);
  const { code, title, fix, reason, files, bytes, oldest, next_try: next } = failure;
  return (
    <section class="failure-group" aria-label={title}>
      <p class="notice-title">
        <StateShape state="clipping" />
        <span>
          <strong>{isExplained ? "Failed meanwhile" : title}</strong>
          <span class="muted">
            {formatCount(files, "file")}, {formatBytes(bytes)}, the oldest waits for{" "}
            <Since timeMs={Date.parse(oldest)} />, next try <NextTry timeMs={Date.parse(next)} />
          </span>
        </span>
      </p>
      {!isExplained && (
        <p>
          <FixText text={nameVariables(fix)} />
        </p>
      )}
      {!isExplained && <p class="notice-reason mono">{reason}</p>}
      <div class="failure-actions">
        {!isExplained && <RetryButton word="Try again now" label={`Try again now: ${title}`} which={{ code }} />}
        <button
          type="button"
          class="button is-quiet"
          aria-expanded={isOpen}
          aria-label={`${isOpen ? "Hide" : "Show"} files: ${title}`}
          onClick={() => setOpen(!isOpen)}
        >
          {isOpen ? "Hide files" : "Show files"}
        </button>
      </div>
      {isOpen && <UploadList state="failed" code={code} count={files} />}
    </section>
  );
}

function NextTry({ timeMs }: { readonly timeMs: number }) {
  const waitMs = timeMs - nowMs.value;
  return <>{waitMs < 1_000 ? "now" : `in ${formatDuration(Math.ceil(waitMs / 1000) * 1000)}`}</>;
}
