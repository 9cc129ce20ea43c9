import { useState } from "preact/hooks";
import { pathBehindLogin } from "../api/access.ts";
import { describeProblem, type ProviderFacts } from "./provider-problem.ts";

/** The button that leads to the OpenID provider, where the server has one, and what came of the last try. */
export function ProviderLogin({ oidc }: { readonly oidc: ProviderFacts | null }) {
  const [code] = useState(() => new URLSearchParams(location.hash.slice(1)).get("problem"));
  if (oidc === null) return null;
  const next = encodeURIComponent(pathBehindLogin(location.hash));
  return (
    <>
      <p class="login-error" role="alert">
        {code === null ? "" : describeProblem(code, oidc)}
      </p>
      {/* The server leads on to another site: no view of this page. */}
      <a class="button is-primary" href={`/api/v1/oidc/login?next=${next}`} target="_self">
        Log in with {oidc.name}
      </a>
      <p class="login-or muted">or with a token</p>
    </>
  );
}
