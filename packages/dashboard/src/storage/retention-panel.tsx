import type { RetentionPreview, Storage } from "@eet/server/api-types";
import { describeError } from "../api/api-client.ts";
import type { DeviceState } from "../fleet/device-state.ts";
import { StateShape } from "../fleet/state-badge.tsx";
import { formatBytes, formatCount } from "../format/format-amount.ts";
import { CodeBlock } from "../shell/code-block.tsx";
import { Moment } from "../shell/time.tsx";
import { DeviceName } from "./device-name.tsx";
import { describePolicy, suggestQuotaGb } from "./retention-words.ts";
import { preview } from "./storage-store.ts";

type Policy = Storage["retention"];
type Device = RetentionPreview["devices"][number];

/** Rows of the preview; more devices are only counted. */
const maxRowCount = 40;

const fates: Readonly<Record<string, { readonly shape: DeviceState; readonly word: string }>> = {
  evict: { shape: "live", word: "leaves this disk" },
  delete: { shape: "clipping", word: "is deleted for good" },
  waiting: { shape: "silent", word: "stays until uploaded, or its command has run" },
  pinned: { shape: "silent", word: "stays, pinned" },
  refused: { shape: "gap", word: "stays, refused" },
};

/** What may stay on the disk, what is about to leave and why. */
export function RetentionPanel(props: {
  readonly policy: Policy;
  readonly isUploading: boolean;
  readonly diskBytes: number;
}) {
  const { policy, isUploading, diskBytes } = props;
  const rules = describePolicy(policy);
  return (
    <section class="panel storage-panel" aria-labelledby="retention-title">
      <header class="storage-head">
        <h2 id="retention-title">Retention</h2>
        <span class="muted storage-small">
          {rules.length === 0 ? "no quota" : `looks every ${formatMinutes(policy.interval_min)}`}
        </span>
      </header>
      {rules.length === 0 ? <NoQuota diskBytes={diskBytes} /> : <Rules rules={rules} isUploading={isUploading} />}
      {rules.length > 0 && <Preview />}
    </section>
  );
}

function NoQuota({ diskBytes }: { readonly diskBytes: number }) {
  const gigabytes = suggestQuotaGb(diskBytes);
  return (
    <>
      <p>Nothing leaves this disk by itself. Quotas of age and size change that, for all devices or single ones:</p>
      <CodeBlock
        text={`EET_RETENTION_MAX_AGE_D=30\nEET_RETENTION_MAX_GB=${gigabytes}`}
        label={`Settings for quotas of 30 days and ${gigabytes} GB`}
      />
      <p class="muted storage-small">
        In <code>.env</code>, then start the server again. This view shows beforehand what would go; pinned ranges stay.
      </p>
    </>
  );
}

function Rules({ rules, isUploading }: { readonly rules: readonly string[]; readonly isUploading: boolean }) {
  return (
    <>
      <ul class="retention-rules">
        {rules.map((rule) => (
          <li key={rule}>{rule}</li>
        ))}
      </ul>
      <p class="muted storage-small">
        {isUploading
          ? "What is verified in the store loses only its local files and is played from there. What is not stays until it is."
          : "Uploads are off, so there is no other copy: what goes is deleted for good."}{" "}
        Pinned ranges stay.
      </p>
    </>
  );
}

function Preview() {
  const { value, failure } = preview.value;
  if (value === undefined) return failure === undefined ? null : <p class="muted">{describeError(failure)}</p>;
  const rows = value.devices.flatMap((device) => device.entries.map((entry) => ({ device, entry })));
  return (
    <>
      {value.refusals.length > 0 && <Refusals refusals={value.refusals} />}
      <h3 class="storage-sub">What the next run does</h3>
      {rows.length === 0 && <p class="muted">Nothing: no recording is past its quota.</p>}
      <ul class="retention-rows">
        {rows.slice(0, maxRowCount).map(({ device, entry }) => (
          <PreviewRow key={`${device.hwid} ${entry.outcome} ${entry.reason}`} device={device} entry={entry} />
        ))}
      </ul>
      {rows.length > maxRowCount && (
        <p class="muted">
          and {rows.length - maxRowCount} more: <code>eet retention</code> lists all
        </p>
      )}
    </>
  );
}

function PreviewRow({ device, entry }: { readonly device: Device; readonly entry: Device["entries"][number] }) {
  const { shape, word } = fates[entry.outcome] ?? { shape: "silent", word: entry.outcome };
  return (
    <li>
      <span class="retention-device">
        <DeviceName hwid={device.hwid} />
      </span>
      <span class={`state-badge is-${shape}`}>
        <StateShape state={shape} />
        {word}
      </span>
      <span class="retention-size">
        <strong>{formatBytes(entry.bytes)}</strong> <span class="muted">{formatCount(entry.segments, "segment")}</span>
      </span>
      <span class="retention-reason muted">
        {entry.reason}, from <Moment timeMs={Date.parse(entry.oldest)} /> on
      </span>
    </li>
  );
}

/** More than half would be deleted: the guard keeps it. */
function Refusals({ refusals }: { readonly refusals: readonly string[] }) {
  return (
    <div class="notice">
      <p class="notice-title">
        <StateShape state="gap" />
        <strong>The guard refuses to delete more than half</strong>
      </p>
      <ul>
        {refusals.map((refusal) => (
          <li key={refusal}>{refusal} would go</li>
        ))}
      </ul>
      <p>
        Is a quota mistyped, or a clock wrong? They stay until the quota is corrected, or until{" "}
        <code>eet retention --run --allow-most</code> insists.
      </p>
    </div>
  );
}

function formatMinutes(minutes: number): string {
  return minutes === 1 ? "minute" : `${minutes} min`;
}
