import type { CreatedToken } from "@eet/server/api-types";
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { isProtected, mayAdminister } from "../api/access.ts";
import { describeError, writeApi } from "../api/api-client.ts";
import { CodeBlock } from "../shell/code-block.tsx";
import { Icon } from "../shell/icon.tsx";

/** Stands for a token that this page does not have. */
const placeholder = "TOKEN";

/** What was made here for a device; forgotten with the page. */
const made = signal<{ readonly hwid: string; readonly secret: string } | undefined>(undefined);

/** What a device shows in its address and snippets; `undefined` where the server asks for no token. */
export function tokenOf(hwid: string): string | undefined {
  if (!isProtected.value) return undefined;
  return made.value?.hwid === hwid ? made.value.secret : placeholder;
}

/** Whether the address and the snippets are good as they stand. */
export function hasToken(hwid: string): boolean {
  return tokenOf(hwid) !== placeholder;
}

/** Says that the device needs a token, and makes it for who may. */
export function DeviceToken({ hwid }: { readonly hwid: string }) {
  if (!isProtected.value) return null;
  if (made.value?.hwid === hwid) return <MadeToken secret={made.value.secret} />;
  return (
    <div class="device-token">
      <span class="field-label">Token</span>
      <p class="muted">
        This server lets devices in by a token. <code>{placeholder}</code> stands for it in the address and the snippets
        {mayAdminister.value ? "." : "; administrators make one, or on the server's machine:"}
      </p>
      {mayAdminister.value ? (
        <MakeToken hwid={hwid} />
      ) : (
        <CodeBlock text={`eet token create --hwid ${hwid}`} label="Command that makes the token" />
      )}
    </div>
  );
}

function MakeToken({ hwid }: { readonly hwid: string }) {
  const [fault, setFault] = useState("");
  const make = async () => {
    try {
      const { secret } = await writeApi<CreatedToken>("POST", "/tokens", { hwid });
      made.value = { hwid, secret };
      setFault("");
    } catch (error) {
      setFault(describeError(error));
    }
  };
  return (
    <>
      <button type="button" class="button is-primary token-button" onClick={() => void make()}>
        <Icon name="key" />
        Make a token for {hwid}
      </button>
      <p class="is-wrong" role="alert">
        {fault}
      </p>
    </>
  );
}

function MadeToken({ secret }: { readonly secret: string }) {
  const title = useRef<HTMLSpanElement>(null);
  // The button that made it is gone.
  useEffect(() => title.current?.focus(), []);
  return (
    <div role="status">
      <span class="field-label" ref={title} tabIndex={-1}>
        Token
      </span>
      <CodeBlock text={secret} label="The token" />
      <p class="small muted">
        It is shown this once, and stands in the address and all that is made of it until this page is loaded anew. Who
        has it may record as this device; <a href="/access">Access</a> revokes it.
      </p>
    </div>
  );
}
