import type { CreatedToken } from "@eet/server/api-types";
import { useEffect, useRef } from "preact/hooks";
import { CodeBlock } from "../shell/code-block.tsx";
import { made } from "./token-store.ts";
import { describeHolder } from "./token-words.ts";

/** The secret of a token that was just made: never to be seen again. */
export function MadeToken({ created: { token, secret } }: { readonly created: CreatedToken }) {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    title.current?.focus();
    title.current?.scrollIntoView({ block: "nearest" });
  }, []);
  return (
    <section class="panel access-panel is-made" aria-labelledby="made-title">
      <h2 id="made-title" ref={title} tabIndex={-1}>
        Token of {describeHolder(token)}
      </h2>
      <p>It is shown this once. Keep it where you keep passwords; the server knows only its hash.</p>
      <CodeBlock text={secret} label="The token" />
      {token.kind === "device" ? (
        <p class="muted">
          Devices send it as <code>Authorization: Bearer</code>, or as the password of their address;{" "}
          <a href="/add">Add a device</a> has snippets.
        </p>
      ) : (
        <p class="muted">
          People log in with it at <code>{location.origin}/login</code>; programs send it as{" "}
          <code>Authorization: Bearer</code>, <code>eet</code> takes it from <code>EET_TOKEN</code>.
        </p>
      )}
      <div class="access-buttons">
        <button
          type="button"
          class="button"
          onClick={() => {
            made.value = undefined;
          }}
        >
          I have kept it
        </button>
      </div>
    </section>
  );
}
