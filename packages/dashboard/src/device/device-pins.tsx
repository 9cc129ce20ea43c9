import type { Pin } from "@eet/server/api-types";
import { useEffect, useState } from "preact/hooks";
import { readApi } from "../api/api-client.ts";
import { PinList } from "../storage/pin-list.tsx";

/** Pinned ranges of a device; nothing where it has none. */
export function DevicePins({ hwid }: { readonly hwid: string | null }) {
  const [pins, setPins] = useState<readonly Pin[]>([]);
  const [version, setVersion] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    readApi<{ readonly pins: readonly Pin[] }>(`/devices/${hwid ?? "~"}/pins`, {}, abort.signal).then(
      (found) => setPins([...found.pins].reverse()),
      () => {
        // They are no reason to keep the rest from being shown.
      },
    );
    return () => abort.abort();
  }, [hwid, version]);
  if (pins.length === 0) return null;
  return (
    <section class="device-pins" aria-labelledby="device-pins-title">
      <h2 id="device-pins-title">Pinned ranges</h2>
      <PinList pins={pins} hasDevices={false} onRemoved={() => setVersion(version + 1)} />
    </section>
  );
}
