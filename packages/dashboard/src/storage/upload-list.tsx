import type { Upload } from "@eet/server/api-types";
import { useEffect, useState } from "preact/hooks";
import { describeError, readApi } from "../api/api-client.ts";
import { formatBytes, formatCount, formatNumber } from "../format/format-amount.ts";
import { Moment } from "../shell/time.tsx";
import { DeviceName } from "./device-name.tsx";
import { RetryButton } from "./retry-button.tsx";
import { queueVersion } from "./storage-store.ts";

/** Files shown at first. */
const pageLength = 25;
/** What is shown on request. */
const maxLength = 1_000;

interface UploadPage {
  readonly uploads: readonly Upload[];
  readonly next_cursor: string | null;
}

/** Files of the queue in one state. */
export function UploadList(props: {
  readonly state: Upload["state"];
  readonly code?: string;
  /** How many there are. */
  readonly count: number;
}) {
  const { state, code, count } = props;
  const [limit, setLimit] = useState(pageLength);
  const [page, setPage] = useState<UploadPage | undefined>();
  const [failure, setFailure] = useState<unknown>();
  const version = queueVersion.value;
  useEffect(() => {
    const abort = new AbortController();
    readApi<UploadPage>("/uploads", { state, code, limit }, abort.signal).then(
      (found) => {
        setPage(found);
        setFailure(undefined);
      },
      (error) => {
        if (!abort.signal.aborted) setFailure(error);
      },
    );
    return () => abort.abort();
  }, [state, code, limit, version]);
  if (page === undefined) return failure === undefined ? null : <p class="muted">{describeError(failure)}</p>;
  if (page.uploads.length === 0) return <p class="muted">No file is {state === "pending" ? "waiting" : state} now.</p>;
  return (
    <div class="upload-list">
      <ul>
        {page.uploads.map((upload) => (
          <UploadRow key={upload.id} upload={upload} />
        ))}
      </ul>
      {page.next_cursor !== null && limit < maxLength && (
        <button type="button" class="link-button" onClick={() => setLimit(maxLength)}>
          {count > maxLength
            ? `Show the first ${formatNumber(maxLength)} of ${formatNumber(count)}`
            : `Show all ${formatNumber(count)}`}
        </button>
      )}
    </div>
  );
}

/** What differs between files of one device stands at the end of their names. */
const tailLength = 20;

function UploadRow({ upload }: { readonly upload: Upload }) {
  const { hwid, file, bytes, attempts, next_try: next, state, reason } = upload;
  return (
    <li class={`is-${state}`}>
      <span class="upload-device">
        <DeviceName hwid={hwid} />
      </span>
      <span class="upload-file mono" title={file}>
        <span>{file.slice(0, -tailLength)}</span>
        {file.slice(-tailLength)}
      </span>
      <span class="upload-size">{formatBytes(bytes)}</span>
      {state === "failed" && (
        <span class="upload-attempt muted" title={reason ?? ""}>
          {formatCount(attempts, "attempt")}
          {next !== null && (
            <>
              , next <Moment timeMs={Date.parse(next)} />
            </>
          )}
        </span>
      )}
      {state === "failed" && <RetryButton label={`Try now: ${file}`} which={{ ids: [upload.id] }} />}
    </li>
  );
}
