import { useState } from "preact/hooks";
import { accessFacts } from "../api/access.ts";
import { describeError } from "../api/api-client.ts";
import { ProtectSteps, ProtectWords } from "./protect-steps.tsx";
import { protectServer } from "./token-store.ts";

/** Says that nobody has to show a token, and makes the first one. */
export function ProtectPanel() {
  const isLocal = accessFacts.value?.mode === "local";
  const [name, setName] = useState("");
  const [fault, setFault] = useState("");
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setFault("");
    try {
      await protectServer(name.trim() === "" ? "first administrator" : name.trim());
    } catch (error) {
      setFault(describeError(error));
    }
    setBusy(false);
  };
  return (
    <section class={`panel access-panel ${isLocal ? "" : "is-alarming"}`} aria-labelledby="protect-title">
      <h2 id="protect-title">{isLocal ? "Open to this machine alone" : "Open to everybody who reaches it"}</h2>
      {isLocal ? (
        <p>
          No token was made yet, so the server listens on this machine only: its people and programs may do everything,
          nobody else reaches it. Protect it before you start it with <code class="whole">--host 0.0.0.0</code>.
        </p>
      ) : (
        <p>
          The server was started with <code class="whole">--insecure-open</code> and has no token: whoever reaches it
          may hear, change and delete everything, and record as any device.
        </p>
      )}
      <ProtectSteps />
      <form class="access-row" onSubmit={submit}>
        <div>
          <label class="field-label" for="protect-name">
            Your name <span class="muted">for the list and the audit log</span>
          </label>
          <input
            id="protect-name"
            class="field"
            maxLength={100}
            autocomplete="name"
            placeholder="first administrator"
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </div>
        <button type="submit" class="button is-primary" disabled={isBusy}>
          <ProtectWords />
        </button>
      </form>
      <p class="is-wrong" role="alert">
        {fault}
      </p>
    </section>
  );
}
