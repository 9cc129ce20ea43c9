import type { Device } from "@eet/server/api-types";
import { useEffect, useRef, useState } from "preact/hooks";
import { mayOperate } from "../api/access.ts";
import { describeError, writeApi } from "../api/api-client.ts";
import { devices } from "../api/fleet-store.ts";
import { Icon } from "../shell/icon.tsx";
import "./device-edit.css";
import { findTagFault, parseTags } from "./device-words.ts";

const maxNameLength = 200;

/** Name and tags of a device, to be changed in place. */
export function DeviceEdit({ device }: { readonly device: Device }) {
  const [isEditing, setEditing] = useState(false);
  // Until the fleet is read again, what was saved last holds.
  const [saved, setSaved] = useState<Device | undefined>();
  const opener = useRef<HTMLButtonElement>(null);
  useEffect(() => setSaved(undefined), [device]);
  const { name, tags, hwid } = saved ?? device;
  if (hwid === null) return null;
  const close = (changed?: Device) => {
    if (changed !== undefined) setSaved(changed);
    setEditing(false);
    requestAnimationFrame(() => opener.current?.focus());
  };
  if (isEditing) return <EditForm hwid={hwid} name={name} tags={tags} onClose={close} />;
  return (
    <div class="device-edit">
      {/* A name is the title of the view. */}
      {name === null && <p class="muted">no name</p>}
      <ul class="tag-list" aria-label="Tags">
        {tags.map((tag) => (
          <li key={tag} class="tag">
            {tag}
          </li>
        ))}
        {tags.length === 0 && <li class="muted">no tags</li>}
      </ul>
      {mayOperate.value && (
        <button
          ref={opener}
          type="button"
          class="button is-quiet"
          aria-label="Edit name and tags"
          onClick={() => setEditing(true)}
        >
          <Icon name="edit" size={16} />
          Edit
        </button>
      )}
    </div>
  );
}

function EditForm(props: {
  readonly hwid: string;
  readonly name: string | null;
  readonly tags: readonly string[];
  readonly onClose: (changed?: Device) => void;
}) {
  const { hwid, onClose } = props;
  const [name, setName] = useState(props.name ?? "");
  const [tagText, setTagText] = useState(props.tags.join(", "));
  const [failure, setFailure] = useState("");
  const [isBusy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.select(), []);
  const tags = parseTags(tagText);
  const fault = findTagFault(tags);
  const save = async () => {
    if (fault !== "") return;
    setBusy(true);
    try {
      const trimmed = name.trim();
      const changed = await writeApi<Device>("PATCH", `/devices/${hwid}`, {
        name: trimmed === "" ? null : trimmed,
        tags,
      });
      devices.value = devices.peek()?.map((one) => (one.hwid === hwid ? changed : one));
      onClose(changed);
    } catch (error) {
      setFailure(describeError(error));
      setBusy(false);
    }
  };
  return (
    <form
      class="device-form"
      aria-label="Name and tags"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        event.stopPropagation();
        onClose();
      }}
    >
      <label>
        Name
        <input
          ref={field}
          class="field"
          value={name}
          maxLength={maxNameLength}
          placeholder={hwid}
          autocomplete="off"
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      <label>
        Tags, separated by commas
        <input
          class="field"
          value={tagText}
          autocomplete="off"
          autocapitalize="off"
          placeholder="house, ground floor"
          aria-invalid={fault !== ""}
          aria-describedby="tag-fault"
          onInput={(event) => setTagText(event.currentTarget.value)}
        />
      </label>
      <p id="tag-fault" class="form-fault" role="status">
        {fault === "" ? failure : fault}
      </p>
      <div class="form-actions">
        <button type="submit" class="button is-primary" disabled={isBusy || fault !== ""}>
          Save
        </button>
        <button type="button" class="button" onClick={() => onClose()}>
          Cancel
        </button>
      </div>
    </form>
  );
}
