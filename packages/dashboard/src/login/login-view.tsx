import { useEffect, useState } from "preact/hooks";
import { ProtectSteps, ProtectWords } from "../access/protect-steps.tsx";
import { accessFacts, pathBehindLogin } from "../api/access.ts";
import { CodeBlock } from "../shell/code-block.tsx";
import { FixText } from "../shell/fix-text.tsx";
import { ProviderLogin } from "./provider-login.tsx";
import "./login.css";

interface Problem {
  readonly code?: string;
  readonly detail?: string;
  readonly fix?: string;
}

/** The server's own words are for those who run it: these are for who wants to get in. */
const unknownToken =
  "This token is not known here, or has ended. Check that all of it was copied, or ask your administrator for a new one.";

/** Where people show their token, or make the first one by the link in the log. */
export function LoginView() {
  useEffect(() => {
    document.title = "Log in · EET";
  }, []);
  const [setupCode] = useState(() => new URLSearchParams(location.hash.slice(1)).get("setup"));
  return <div class="login-view">{setupCode === null ? <LoginForm /> : <SetUp code={setupCode} />}</div>;
}

function LoginForm() {
  const [token, setToken] = useState("");
  const [error, setError] = useState("");
  const oidc = accessFacts.value?.oidc ?? null;
  const submit = async (event: Event) => {
    event.preventDefault();
    const answer = await post("/login", { token: token.trim() });
    if (answer.error === undefined) location.replace(pathBehindLogin(location.hash));
    else setError(answer.error);
  };
  return (
    <form class="panel" onSubmit={submit}>
      <h1>Log in</h1>
      <ProviderLogin oidc={oidc} />
      <div>
        <label class="field-label" for="login-token">
          Token
        </label>
        <input
          id="login-token"
          class="field"
          type="password"
          autocomplete="current-password"
          required
          value={token}
          aria-describedby="login-help"
          aria-invalid={error !== ""}
          onInput={(event) => {
            setToken(event.currentTarget.value);
            setError("");
          }}
        />
        <p id="login-help" class="small muted">
          It begins with <code>eet_a_</code>. On the server's machine <code>eet token create --role viewer</code> makes
          one.
        </p>
      </div>
      <ErrorLine text={error} />
      <button type="submit" class={`button ${oidc === null ? "is-primary" : ""}`}>
        Log in
      </button>
    </form>
  );
}

function SetUp({ code }: { readonly code: string }) {
  const [secret, setSecret] = useState("");
  const [error, setError] = useState("");
  const begin = async () => {
    // What stands in the address is used up: it must not stay in the history.
    history.replaceState(null, "", "/login");
    const answer = await post<{ readonly secret: string }>("/setup", { code });
    if (answer.error === undefined) setSecret(answer.value?.secret ?? "");
    else setError(answer.error);
  };
  if (secret !== "") {
    return (
      <section class="panel">
        <h1>You are the administrator</h1>
        <p>This is your token. Keep it where you keep passwords: it is shown this once.</p>
        <CodeBlock text={secret} label="Your token" />
        <p>
          {/* Loaded anew, so that the page knows who looks. */}
          <a class="button is-primary" href="/" target="_self">
            To the fleet
          </a>
        </p>
      </section>
    );
  }
  return (
    <section class="panel">
      <h1>Protect this server</h1>
      <ProtectSteps />
      <ErrorLine text={error} />
      <button type="button" class="button is-primary" onClick={begin}>
        <ProtectWords />
      </button>
    </section>
  );
}

function ErrorLine({ text }: { readonly text: string }) {
  return (
    <p class="login-error" role="alert">
      <FixText text={text} />
    </p>
  );
}

async function post<T>(path: string, body: unknown): Promise<{ readonly value?: T; readonly error?: string }> {
  const headers = { "content-type": "application/json" };
  try {
    const response = await fetch(`/api/v1${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    if (response.status === 204) return {};
    const answer: unknown = await response.json();
    if (response.ok) return { value: answer as T };
    const { code, detail = "", fix = "" } = answer as Problem;
    if (path === "/login" && code === "TOKEN_INVALID") return { error: unknownToken };
    return { error: `${detail.charAt(0).toUpperCase()}${detail.slice(1)}. ${fix}` };
  } catch {
    return { error: "The server cannot be reached." };
  }
}
