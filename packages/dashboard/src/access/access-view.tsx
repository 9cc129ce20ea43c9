import { useEffect, useRef } from "preact/hooks";
import { accessFacts, isProtected, mayAdminister } from "../api/access.ts";
import { describeError } from "../api/api-client.ts";
import { CodeBlock } from "../shell/code-block.tsx";
import { Icon } from "../shell/icon.tsx";
import "./access.css";
import { MadeToken } from "./made-token.tsx";
import { ProtectPanel } from "./protect-panel.tsx";
import { isFormOpen, TokenForm } from "./token-form.tsx";
import { TokenLists } from "./token-lists.tsx";
import { failure, made, useTokens } from "./token-store.ts";
import { roleWords } from "./token-words.ts";

/** Who may reach the server, and what they may there. */
export function AccessView() {
  useEffect(() => {
    document.title = "Access · EET";
  }, []);
  if (accessFacts.value === undefined) return <div class="message-view" aria-busy="true" />;
  return (
    <div class="access-view">
      <AccessHead />
      {mayAdminister.value ? <Administration /> : <NoAdministrator />}
    </div>
  );
}

function AccessHead() {
  const isOpen = isFormOpen.value;
  const button = useRef<HTMLButtonElement>(null);
  const wasOpen = useRef(false);
  useEffect(() => {
    if (wasOpen.current && !isOpen && made.peek() === undefined) button.current?.focus();
    wasOpen.current = isOpen;
  }, [isOpen]);
  return (
    <header class="access-head">
      <div>
        <h1>Access</h1>
        <p class="muted">Who may reach this server, and what they may there.</p>
      </div>
      {mayAdminister.value && isProtected.value && !isOpen && (
        <button
          ref={button}
          type="button"
          class="button is-primary"
          onClick={() => {
            made.value = undefined;
            isFormOpen.value = true;
          }}
        >
          <Icon name="plus" />
          Make a token
        </button>
      )}
    </header>
  );
}

function Administration() {
  useTokens();
  return (
    <>
      {made.value !== undefined && <MadeToken key={made.value.token.id} created={made.value} />}
      {!isProtected.value && <ProtectPanel />}
      {isProtected.value && isFormOpen.value && <TokenForm />}
      <p class="is-wrong access-failure" role="status">
        {failure.value === undefined ? "" : describeError(failure.value)}
      </p>
      {isProtected.value && <TokenLists />}
    </>
  );
}

/** Why there is nothing to see, and who can help. */
function NoAdministrator() {
  const { name, role } = accessFacts.value ?? {};
  return (
    <section class="panel access-panel" aria-label="Your role">
      <h2>
        {name === null || name === "" ? "You are" : `You are ${name}:`} {role ?? "not logged in"}
      </h2>
      {role !== null && role !== undefined && <p>{roleWords[role]}</p>}
      <p class="muted">
        Tokens are seen, made and revoked by administrators. Ask one of them; on the server's machine this makes an
        administrator's token:
      </p>
      <CodeBlock text="eet token create --role admin --name you" label="Command that makes an administrator" />
    </section>
  );
}
