import { formatLength } from "../format/format-time.ts";
import type { RecordedAmounts } from "./recorded-sessions.ts";

/** Seconds by where they have got to. */
export function MicAmounts({ amounts }: { readonly amounts: RecordedAmounts | undefined }) {
  const { recordedS = 0, sentS = 0, durableS = 0, heldS = 0, uploadedS, droppedS = 0 } = amounts ?? {};
  return (
    <dl class="mic-amounts">
      <Amount name="Recorded" seconds={recordedS} />
      <Amount name="Sent" seconds={sentS} kind="sent" />
      <Amount name="Safe on the server's disk" seconds={durableS} kind="durable" />
      {uploadedS !== undefined && <Amount name="In the object store" seconds={uploadedS} />}
      <Amount name="Not confirmed yet" seconds={heldS} kind="held" />
      {droppedS > 0 && <Amount name="Lost: no more room here" seconds={droppedS} kind="dropped" />}
    </dl>
  );
}

function Amount(props: { readonly name: string; readonly seconds: number; readonly kind?: string }) {
  const { name, seconds, kind } = props;
  return (
    <div class={kind === undefined ? "" : `is-${kind}`}>
      <dt>
        {kind !== undefined && <span class="mic-key" aria-hidden="true" />}
        {name}
      </dt>
      <dd>{formatLength(seconds)}</dd>
    </div>
  );
}
