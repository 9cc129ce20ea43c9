import { useEffect, useState } from "preact/hooks";
import { apiPath } from "../api/api-client.ts";
import { formatBytes } from "../format/format-amount.ts";
import { Icon } from "../shell/icon.tsx";
import type { ArchiveModel } from "./archive-model.ts";
import { type DownloadFacts, describeDownload, readRangeContent } from "./download-facts.ts";
import type { TimeSpan } from "./time-view.ts";

/** A range that is still being dragged is not looked at. */
const restMs = 250;

/** Saves a range; what cannot be saved is told before. */
export function DownloadLinks({ model, selection }: { readonly model: ArchiveModel; readonly selection: TimeSpan }) {
  const facts = useFacts(model, selection);
  const range = rangeQuery(model, selection);
  const refusal = facts?.flac || facts?.wav || "";
  return (
    <>
      {(["wav", "flac"] as const).map((format) => {
        const isRefused = facts !== undefined && facts[format] !== "";
        const size = format === "wav" && facts?.wavBytes !== undefined ? ` ${formatBytes(facts.wavBytes)}` : "";
        const text = (
          <>
            <Icon name="download" />
            {format.toUpperCase()}
            {size}
          </>
        );
        if (isRefused)
          return (
            <button key={format} type="button" class="button" disabled={true}>
              {text}
            </button>
          );
        const path = apiPath(`/devices/${model.hwid}/audio`, { ...range, format, download: true });
        return (
          <a
            key={format}
            class="button"
            href={path}
            download=""
            title={format === "flac" ? "Smaller, and the same" : ""}
          >
            {text}
          </a>
        );
      })}
      <p class="muted download-note" role="status">
        {refusal}
      </p>
    </>
  );
}

/** How the API is asked for a range. */
export function rangeQuery(model: ArchiveModel, { fromMs, toMs }: TimeSpan) {
  return { from: Math.round(fromMs), to: Math.round(toMs), stream: model.streamId.value };
}

/** `undefined`: not known. */
function useFacts(model: ArchiveModel, { fromMs, toMs }: TimeSpan): DownloadFacts | undefined {
  const [facts, setFacts] = useState<DownloadFacts | undefined>(undefined);
  const streamId = model.streamId.value;
  useEffect(() => {
    const abort = new AbortController();
    const read = async () => {
      try {
        const content = await readRangeContent(model.source, { fromMs, toMs }, abort.signal);
        setFacts(describeDownload({ fromMs, toMs }, content));
      } catch {
        // Nothing is known of it: it may be tried.
      }
    };
    setFacts(undefined);
    const timer = setTimeout(() => void read(), restMs);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [model, streamId, fromMs, toMs]);
  return facts;
}
