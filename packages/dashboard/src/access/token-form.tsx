import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { describeError } from "../api/api-client.ts";
import { Segments } from "../shell/segments.tsx";
import { addToken } from "./token-store.ts";
import { type RoleName, roleWords } from "./token-words.ts";

/** Whether a token is being made. */
export const isFormOpen = signal(false);

/** As the server takes patterns. */
const patternPattern = "[A-Za-z0-9_:.*?\\-]{1,64}";
const kind = signal<"device" | "api">("device");
const role = signal<RoleName>("viewer");
const kinds = [
  { value: "device", label: "Devices" },
  { value: "api", label: "People and programs" },
] as const;
const roles = [
  { value: "viewer", label: "Viewer" },
  { value: "operator", label: "Operator" },
  { value: "admin", label: "Admin" },
] as const;
const ends = [
  { days: 0, label: "Never" },
  { days: 1, label: "In a day" },
  { days: 7, label: "In a week" },
  { days: 30, label: "In 30 days" },
  { days: 90, label: "In 90 days" },
  { days: 365, label: "In a year" },
] as const;

/** Asks what the token is to be. */
export function TokenForm() {
  const form = useRef<HTMLFormElement>(null);
  const [hwid, setHwid] = useState("");
  const [name, setName] = useState("");
  const [days, setDays] = useState(0);
  const [fault, setFault] = useState("");
  useLayoutEffect(() => form.current?.querySelector("button")?.focus(), []);
  const close = () => {
    isFormOpen.value = false;
  };
  useEffect(() => close, []);
  const submit = async (event: Event) => {
    event.preventDefault();
    const what = kind.value === "device" ? { hwid: hwid.trim() } : { role: role.value };
    try {
      await addToken({ ...what, name: name.trim(), ...(days > 0 && { expires_days: days }) });
      close();
    } catch (error) {
      setFault(describeError(error));
    }
  };
  return (
    <form
      ref={form}
      class="panel access-panel"
      aria-label="Make a token"
      onSubmit={submit}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        close();
      }}
    >
      <h2>A new token</h2>
      <Segments label="For" choice={kind} options={kinds} />
      {kind.value === "device" ? <PatternField value={hwid} onChange={setHwid} /> : <RoleField />}
      <div class="access-row">
        <div>
          <label class="field-label" for="token-name">
            Name<span class="muted">, shown in lists (optional)</span>
          </label>
          <input
            id="token-name"
            class="field"
            maxLength={100}
            autocomplete="off"
            placeholder={kind.value === "device" ? "such as barn, north side" : "such as Ann, or backup script"}
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </div>
        <div>
          <label class="field-label" for="token-end">
            Ends
          </label>
          <select
            id="token-end"
            class="field"
            value={String(days)}
            onChange={(event) => setDays(Number(event.currentTarget.value))}
          >
            {ends.map((end) => (
              <option key={end.days} value={String(end.days)}>
                {end.label}
              </option>
            ))}
          </select>
        </div>
      </div>
      <p class="is-wrong" role="alert">
        {fault}
      </p>
      <div class="access-buttons">
        <button type="submit" class="button is-primary">
          Make the token
        </button>
        <button type="button" class="button" onClick={close}>
          Cancel
        </button>
      </div>
    </form>
  );
}

function PatternField({ value, onChange }: { readonly value: string; onChange(value: string): void }) {
  return (
    <div>
      <label class="field-label" for="token-hwid">
        Ids of the devices
      </label>
      <input
        id="token-hwid"
        class="field mono access-pattern"
        required
        maxLength={64}
        pattern={patternPattern}
        title="Letters, digits, -, _, : and ., with * and ?"
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        placeholder="kitchen-*"
        value={value}
        aria-describedby="token-hwid-rule"
        onInput={(event) => onChange(event.currentTarget.value)}
      />
      <p id="token-hwid-rule" class="small muted">
        <code>*</code> stands for any characters, <code>?</code> for one. <code>*</code> alone is every device, those
        without an id too.
      </p>
    </div>
  );
}

function RoleField() {
  return (
    <div>
      <Segments label="Role" choice={role} options={roles} />
      <p class="small muted" role="status">
        {roleWords[role.value]}
      </p>
    </div>
  );
}
