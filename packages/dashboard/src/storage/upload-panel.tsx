import type { Storage, Upload } from "@eet/server/api-types";
import { useState } from "preact/hooks";
import type { DeviceState } from "../fleet/device-state.ts";
import { StateShape } from "../fleet/state-badge.tsx";
import { formatBytes, formatCount } from "../format/format-amount.ts";
import { Moment, Since } from "../shell/time.tsx";
import { ThroughputChart } from "./throughput-chart.tsx";
import { UploadFailures } from "./upload-failures.tsx";
import { UploadList } from "./upload-list.tsx";

type Uploads = NonNullable<Storage["uploads"]>;

const listed = [
  { state: "pending", label: "waiting", shape: "silent" },
  { state: "uploading", label: "uploading", shape: "live" },
  { state: "failed", label: "failed", shape: "clipping" },
] as const satisfies readonly { state: Upload["state"]; label: string; shape: DeviceState }[];

/** The queue of uploads: what waits, for how long, how fast it goes, and what is in the way. */
export function UploadPanel({ uploads }: { readonly uploads: Uploads }) {
  const [shown, setShown] = useState<Upload["state"] | undefined>();
  const { files, oldest_waiting: oldest } = uploads;
  return (
    <section class="panel storage-panel" aria-labelledby="uploads-title">
      <header class="storage-head">
        <h2 id="uploads-title">Uploads</h2>
        <StoreState uploads={uploads} />
      </header>
      <p class="store-address">
        <code>{addressOf(uploads)}</code>
      </p>
      <fieldset class="totals upload-totals">
        <legend class="visually-hidden">Files by state; shows those that are not stored</legend>
        {listed.map(({ state, label, shape }) => (
          <button
            key={state}
            type="button"
            class={`total${files[state] === 0 ? " is-zero" : ""}`}
            aria-pressed={shown === state}
            onClick={() => setShown(shown === state ? undefined : state)}
          >
            <span class="total-count">{files[state].toLocaleString("en")}</span>
            <span class="total-label">
              <StateShape state={shape} />
              {label}
            </span>
          </button>
        ))}
        <div class="total is-fixed">
          <span class="total-count">{files.stored.toLocaleString("en")}</span>
          <span class="total-label">stored, verified</span>
        </div>
      </fieldset>
      {shown !== undefined && <UploadList state={shown} count={files[shown]} />}
      <p class="upload-oldest">
        {oldest === null ? (
          <span class="muted">Nothing waits: all that was recorded stands in the store.</span>
        ) : (
          <>
            {formatBytes(uploads.waiting_bytes)} to go, the oldest waits for <Since timeMs={Date.parse(oldest)} />{" "}
            <span class="muted">
              (since <Moment timeMs={Date.parse(oldest)} />)
            </span>
          </>
        )}
      </p>
      <UploadFailures uploads={uploads} />
      <ThroughputChart uploads={uploads} />
      <p class="muted storage-small">
        {uploads.delete_after_upload
          ? "Local files are deleted once all of a recording is verified in the store."
          : "Local files stay after the upload, as long as retention and the disk allow."}
      </p>
    </section>
  );
}

function StoreState({ uploads: { trouble, files } }: { readonly uploads: Uploads }) {
  const waiting = files.pending + files.uploading;
  const state: { readonly shape: DeviceState; readonly word: string } =
    trouble !== null
      ? { shape: "clipping", word: "store not usable" }
      : files.failed > 0
        ? { shape: "clipping", word: `${formatCount(files.failed, "file")} failed` }
        : { shape: "live", word: waiting > 0 ? "uploading" : "up to date" };
  return (
    <span class={`state-badge is-${state.shape}`} role="status">
      <StateShape state={state.shape} />
      {state.word}
    </span>
  );
}

/** Such as `s3://recordings/received at https://s3.example.org`. */
function addressOf({ bucket, prefix, endpoint, region }: Uploads): string {
  const path = [bucket, prefix].filter((part) => part !== "").join("/");
  const place = endpoint ?? (region === null ? "AWS" : `AWS, ${region}`);
  return `s3://${path} at ${place}`;
}
