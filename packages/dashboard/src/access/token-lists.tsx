import type { Token } from "@eet/server/api-types";
import { Moment } from "../shell/time.tsx";
import { TokenRow } from "./token-row.tsx";
import { tokens } from "./token-store.ts";
import { describeHolder, describePattern } from "./token-words.ts";

/** All tokens: those that are good by whom they are for, then what has ended. */
export function TokenLists() {
  const all = tokens.value;
  if (all === undefined) return <div class="message-view" aria-busy="true" />;
  const good = all.filter(({ state }) => state === "active").toReversed();
  return (
    <>
      <TokenList
        title="People and programs"
        empty="No person and no program has a token."
        tokens={good.filter(({ kind }) => kind === "api")}
      />
      <TokenList
        title="Devices"
        empty="No device has a token: none may connect."
        tokens={good.filter(({ kind }) => kind === "device")}
      />
      <EndedTokens tokens={all.filter(({ state }) => state !== "active").toReversed()} />
    </>
  );
}

function TokenList(props: { readonly title: string; readonly empty: string; readonly tokens: readonly Token[] }) {
  const { title, empty, tokens } = props;
  return (
    <section class="panel access-panel" aria-label={title}>
      <h2>
        {title} <span class="muted">{tokens.length > 0 && tokens.length}</span>
      </h2>
      {tokens.length === 0 ? (
        <p class="muted">{empty}</p>
      ) : (
        <ul class="token-list">
          {tokens.map((token) => (
            <TokenRow key={token.id} token={token} />
          ))}
        </ul>
      )}
    </section>
  );
}

function EndedTokens({ tokens }: { readonly tokens: readonly Token[] }) {
  if (tokens.length === 0) return null;
  return (
    <details class="panel access-panel access-ended">
      <summary>
        Ended <span class="muted">{tokens.length}</span>
      </summary>
      <ul class="token-list">
        {tokens.map((token) => (
          <li key={token.id}>
            <div class="token-what">
              <span class="token-name">{describeHolder(token)}</span>
              <span class="muted">{token.hwid === "*" ? describePattern(token.hwid) : (token.hwid ?? token.role)}</span>
            </div>
            <p class="token-facts muted">
              <span>
                {token.state} <Moment timeMs={Date.parse(token.revoked ?? token.expires ?? token.created)} />
              </span>
              <span class="mono">{token.id}</span>
            </p>
          </li>
        ))}
      </ul>
    </details>
  );
}
