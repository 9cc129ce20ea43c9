import { useState } from "preact/hooks";
import { StateShape } from "../fleet/state-badge.tsx";
import { CodeBlock } from "../shell/code-block.tsx";

const stores = [
  {
    name: "AWS S3",
    text: `S3_ENABLED=true
AWS_BUCKET=my-recordings
AWS_REGION=eu-central-1
AWS_ACCESS_KEY_ID=...
AWS_SECRET_ACCESS_KEY=...`,
  },
  {
    name: "Scaleway",
    text: `S3_ENABLED=true
S3_PROVIDER=scaleway
SCW_BUCKET=my-recordings
SCW_REGION=fr-par
SCW_ACCESS_KEY=...
SCW_SECRET_KEY=...`,
  },
  {
    name: "MinIO, Ceph, others",
    text: `S3_ENABLED=true
S3_SERVICE_URL=https://s3.example.org
S3_FORCE_PATH_STYLE=true
S3_BUCKET=my-recordings
AWS_ACCESS_KEY_ID=...
AWS_SECRET_ACCESS_KEY=...`,
  },
] as const;

/** Uploads are not switched on: how that is done. */
export function UploadsOff() {
  const [index, setIndex] = useState(0);
  const store = stores[index] ?? stores[0];
  return (
    <section class="panel storage-panel" aria-labelledby="uploads-title">
      <header class="storage-head">
        <h2 id="uploads-title">Uploads</h2>
        <span class="state-badge is-offline">
          <StateShape state="offline" />
          off
        </span>
      </header>
      <p>
        Recordings stand on this disk only. Switched on, each one goes to an object store as soon as it is closed, and
        counts as stored once the store has confirmed its checksum.
      </p>
      <ol class="storage-steps">
        <li>
          <p>
            Put this into a file <code>.env</code> in the folder the server runs in:
          </p>
          <div class="segmented">
            {stores.map(({ name }, at) => (
              <button key={name} type="button" aria-pressed={at === index} onClick={() => setIndex(at)}>
                {name}
              </button>
            ))}
          </div>
          <CodeBlock text={store.text} label={`Settings for ${store.name}`} />
        </li>
        <li>
          Start the server again. What was recorded before is uploaded too, behind what is new.{" "}
          <span class="muted">
            <code>eet config</code> shows which settings are in force.
          </span>
        </li>
      </ol>
    </section>
  );
}
