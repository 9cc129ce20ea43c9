import { useEffect } from "preact/hooks";
import { describeError } from "../api/api-client.ts";
import { followFleet } from "../api/fleet-store.ts";
import { useHotkeys } from "../shell/hotkeys.ts";
import { navigate } from "../shell/navigation.ts";
import { DiskPanel } from "./disk-panel.tsx";
import { PinPanel } from "./pin-panel.tsx";
import { RetentionPanel } from "./retention-panel.tsx";
import "./storage.css";
import { storage, useStorage } from "./storage-store.ts";
import { UploadPanel } from "./upload-panel.tsx";
import { UploadsOff } from "./uploads-off.tsx";

/** Where recordings are kept, whether they are on their way elsewhere, and what leaves. */
export function StorageView() {
  useStorage();
  useHotkeys({ Escape: () => navigate("/") });
  useEffect(() => {
    document.title = "Storage and uploads · EET";
    // For the names of devices.
    followFleet();
  }, []);
  const { value, failure } = storage.value;
  if (value === undefined) return <Missing failure={failure} />;
  return (
    <div class="storage-view">
      <h1>Storage and uploads</h1>
      <div class="storage-columns">
        <div class="storage-column">
          <DiskPanel disk={value.disk} />
          <RetentionPanel
            policy={value.retention}
            isUploading={value.uploads !== null}
            diskBytes={value.disk.total_bytes}
          />
        </div>
        <div class="storage-column">
          {value.uploads === null ? <UploadsOff /> : <UploadPanel uploads={value.uploads} />}
          <PinPanel />
        </div>
      </div>
    </div>
  );
}

function Missing({ failure }: { readonly failure: unknown }) {
  if (failure === undefined) return <div class="message-view" aria-busy="true" />;
  return (
    <div class="message-view">
      <h1>Storage cannot be shown</h1>
      <p class="muted">{describeError(failure)} The page tries again by itself.</p>
    </div>
  );
}
